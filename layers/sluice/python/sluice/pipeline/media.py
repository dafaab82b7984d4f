"""The parts of a prompt that are no text, which bytes do not measure: pictures, recordings, documents.

What is no such part for sure (a picture's address of another kind, a recording in a format that may hold an hour in a
kilobyte) is taken for a document: the part of which nothing is known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.messages import AssistantMessage, AudioPart, FilePart, ImagePart, TextPart, UserMessage

_ADDRESSES = ("http://", "https://")
_PICTURE = "data:image/"
_BASE64 = ";base64"

_MEASURABLE_SOUND = frozenset({"mp3", "wav"})
"""The formats whose bytes tell at least something of how long they last. They are also the ones that OpenAI takes."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture; ``inline_bytes`` of the request's body are its base64."""

    inline_bytes: int


@dataclass(frozen=True, slots=True)
class Recording:
    """Sound of ``sound_bytes`` bytes, whose base64 is ``inline_bytes`` of the request's body."""

    inline_bytes: int
    sound_bytes: int


@dataclass(frozen=True, slots=True)
class Document:
    """A part that may be of any length, at ``param`` of the request; ``sound`` says that it is heard, not read."""

    param: str
    sound: bool = False


Medium = Picture | Recording | Document


def media_of(request: ChatCompletionRequest) -> Iterator[Medium]:
    """The parts of a request's messages that are no text, in their order."""
    for index, message in enumerate(request.messages):
        match message:
            case UserMessage(content=list() as parts):
                for position, part in enumerate(parts):
                    param = f"messages[{index}].content[{position}]"
                    match part:
                        case TextPart():
                            pass
                        case ImagePart():
                            yield _picture(part.image_url.url, f"{param}.image_url.url")
                        case AudioPart():
                            yield _recording(part, f"{param}.input_audio.format")
                        case FilePart():
                            yield Document(f"{param}.file")
                        case _:
                            assert_never(part)
            case AssistantMessage(model_extra={"audio": spoken}) if spoken is not None:
                # What the model said before, by its id.
                yield Document(f"messages[{index}].audio", sound=True)
            case _:
                pass


def _picture(url: str, param: str) -> Picture | Document:
    head, _, data = url.partition(",")
    head = head.lower()
    if head.startswith(_PICTURE):
        return Picture(len(data) if head.endswith(_BASE64) else 0)
    return Picture(0) if head.startswith(_ADDRESSES) else Document(param)


def _recording(part: AudioPart, param: str) -> Recording | Document:
    if part.input_audio.format not in _MEASURABLE_SOUND:
        return Document(param, sound=True)
    inline = len(part.input_audio.data)
    return Recording(inline, -(-inline * 3 // 4))

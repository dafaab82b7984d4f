"""A conversation as Gemini's ``systemInstruction`` and ``contents``.

There are two roles, ``user`` and ``model``; successive messages of one role are one turn. Instructions (system,
developer) have a place of their own, before the conversation: those from its midst go there too, in their order, since
only there they have an instruction's weight. A conversation of nothing but instructions is put as the user's words.

Who a user's message is from (``name``) stands before it. Thoughts are not sent back, only their signatures are: Gemini
wants no more.

Source: https://ai.google.dev/api/generate-content.
"""

from collections.abc import Sequence
from typing import Any, assert_never

from sluice.api.messages import (
    AssistantMessage,
    AudioPart,
    DeveloperMessage,
    FilePart,
    FunctionMessage,
    ImagePart,
    Message,
    RefusalPart,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
    UserPart,
)
from sluice.errors import UnsupportedParameterError
from sluice.providers.extra_members import check_members
from sluice.providers.gemini.media import audio_part, file_part, image_part
from sluice.providers.gemini.signatures import kept_in, signature_in, skip_missing
from sluice.providers.gemini.tool_calls import OpenCalls, call_part, response_part
from sluice.providers.said_before import MESSAGE_MEMBERS

type Part = dict[str, Any]
type Content = dict[str, Any]

_REPLY_MEMBERS = MESSAGE_MEMBERS | {"extra_content"}
"""Of an assistant's message: what nobody wants back, and what is looked at by itself."""


def conversation_of(messages: Sequence[Message], *, signed: bool) -> dict[str, Any]:
    """The members of a request that are its conversation.

    Args:
        messages: as the client has them.
        signed: whether the model wants the current turn's function calls signed.

    Raises:
        InvalidRequestError: a tool call is not answered, or an answer has no call.
        UnsupportedParameterError: Gemini has no place for something.
    """
    system: list[Part] = []
    contents: list[Content] = []
    opened = OpenCalls()
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        match message:
            case SystemMessage() | DeveloperMessage():
                system += _instructions(message, place)
            case UserMessage():
                opened.close()
                _add(contents, "user", _user_parts(message, place))
            case AssistantMessage():
                opened.close()
                _add(contents, "model", _assistant_parts(message, opened, place))
            case ToolMessage():
                _add(contents, "user", [response_part(message, opened, place)])
            case FunctionMessage():
                raise UnsupportedParameterError("Gemini wants tools, not functions.", param=place)
            case _:
                assert_never(message)
    opened.close()
    if signed:
        skip_missing(contents)
    if not contents:
        return {"contents": [{"role": "user", "parts": system}]}
    return {"contents": contents, **({"systemInstruction": {"parts": system}} if system else {})}


def _add(contents: list[Content], role: str, parts: list[Part]) -> None:
    if contents and contents[-1]["role"] == role:
        contents[-1]["parts"] += parts
    elif parts:
        contents.append({"role": role, "parts": parts})


def _instructions(message: SystemMessage | DeveloperMessage, place: str) -> list[Part]:
    check_members(message, place)
    if isinstance(message.content, str):
        return [{"text": message.content}]
    return [_text_part(part, f"{place}.content[{number}]") for number, part in enumerate(message.content)]


def _user_parts(message: UserMessage, place: str) -> list[Part]:
    check_members(message, place)
    content = message.content
    if isinstance(content, str):
        parts: list[Part] = [{"text": content}]
    else:
        parts = [_user_part(part, f"{place}.content[{number}]") for number, part in enumerate(content)]
    if message.name:
        parts.insert(0, {"text": f"{message.name}:"})
    return parts or [{"text": ""}]


def _user_part(part: UserPart, place: str) -> Part:
    match part:
        case TextPart():
            return _text_part(part, place)
        case ImagePart():
            return image_part(part, place)
        case AudioPart():
            return audio_part(part, place)
        case FilePart():
            return file_part(part, place)
        case _:
            assert_never(part)


def _assistant_parts(message: AssistantMessage, opened: OpenCalls, place: str) -> list[Part]:
    check_members(message, place, known=_REPLY_MEMBERS)
    if message.function_call is not None:
        raise UnsupportedParameterError("Gemini wants tools, not functions.", param=f"{place}.function_call")
    kept = kept_in(message.reasoning_details)
    parts = [*kept.thoughts, *_said(message, place)]
    signature = kept.text or signature_in((message.model_extra or {}).get("extra_content"))
    if signature is not None:
        if len(parts) == len(kept.thoughts):
            parts.append({"text": ""})  # as it comes in a stream
        parts[-1]["thoughtSignature"] = signature
    parts += (
        call_part(call, kept, opened, f"{place}.tool_calls[{number}]")
        for number, call in enumerate(message.tool_calls or ())
    )
    return parts


def _said(message: AssistantMessage, place: str) -> list[Part]:
    """The texts of an assistant turn, its refusals too; an empty one says nothing."""
    texts: list[str] = []
    match message.content:
        case None:
            pass
        case str(text):
            texts.append(text)
        case parts:
            for number, part in enumerate(parts):
                check_members(part, f"{place}.content[{number}]")
                texts.append(part.refusal if isinstance(part, RefusalPart) else part.text)
    texts.append(message.refusal or "")
    return [{"text": text} for text in texts if text]


def _text_part(part: TextPart, place: str) -> Part:
    check_members(part, place)
    return {"text": part.text}

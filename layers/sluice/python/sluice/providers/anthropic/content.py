"""The parts of messages as Anthropic's content blocks.

Sources: https://platform.claude.com/docs/en/api/messages, …/build-with-claude/vision and …/pdf-support.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from sluice.api.messages import AudioPart, FilePart, ImagePart, RefusalPart, TextPart, UserPart
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.anthropic.members import CACHEABLE, cached
from sluice.providers.data_urls import DataURL, data_url
from sluice.providers.extra_members import check_members

type Block = dict[str, Any]

IMAGE_TYPES: Mapping[str, str] = {
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
}
"""What Claude sees, by the names that clients have for it."""
PDF = "application/pdf"

_ADDRESSES = ("http://", "https://")


def text_blocks(content: str | Sequence[TextPart | RefusalPart] | None, place: str) -> list[Block]:
    """The texts of a message, each part a block of its own.

    Anthropic refuses texts of nothing but white space, which say nothing. They are left out, unless they are to be
    cached: what is meant by that is for Anthropic to say.

    Raises:
        InvalidRequestError: a part has a member that is unknown, or wrong.
    """
    if content is None or isinstance(content, str):
        return [{"type": "text", "text": content}] if content and not content.isspace() else []
    blocks = []
    for position, part in enumerate(content):
        text = part.text if isinstance(part, TextPart) else part.refusal
        if part.model_extra or (text and not text.isspace()):
            blocks.append(_text(part, text, f"{place}.content[{position}]"))
    return blocks


def user_blocks(content: str | Sequence[UserPart], place: str) -> list[Block]:
    """What a user's message says and shows; see ``text_blocks`` for its texts.

    Raises:
        InvalidRequestError: a part cannot be read, or has a member that is unknown.
        UnsupportedParameterError: Anthropic takes no such part.
    """
    if isinstance(content, str):
        return text_blocks(content, place)
    blocks: list[Block] = []
    for position, part in enumerate(content):
        here = f"{place}.content[{position}]"
        match part:
            case TextPart():
                if part.model_extra or (part.text and not part.text.isspace()):
                    blocks.append(_text(part, part.text, here))
            case ImagePart():
                blocks.append(_image(part, here))
            case FilePart():
                blocks.append(_document(part, here))
            case AudioPart():
                raise UnsupportedParameterError("The model's provider takes no sound.", param=here)
            case _:
                assert_never(part)
    return blocks


def _text(part: TextPart | RefusalPart, text: str, place: str) -> Block:
    block: Block = {"type": "text", "text": text}
    if part.model_extra:
        check_members(part, place, CACHEABLE)
        cached(block, part.model_extra, place)
    return block


def _image(part: ImagePart, place: str) -> Block:
    """A picture. ``detail`` is a hint on how closely to look at it; Claude always looks as closely as it can."""
    check_members(part, place, CACHEABLE)
    check_members(part.image_url, f"{place}.image_url")
    url, param = part.image_url.url, f"{place}.image_url.url"
    inline = data_url(url)
    if inline is not None:
        source = _base64(inline, IMAGE_TYPES.get(inline.media_type), param)
    elif url.lower().startswith(_ADDRESSES):
        source = {"type": "url", "url": url}
    else:
        raise InvalidRequestError(f"'{param}' should be an http(s) address or a data URL.", param=param)
    return cached({"type": "image", "source": source}, part.model_extra, place)


def _document(part: FilePart, place: str) -> Block:
    """A PDF, or a text: Anthropic reads no other documents."""
    check_members(part, place, CACHEABLE)
    check_members(part.file, f"{place}.file")
    if part.file.file_id is not None:
        raise UnsupportedParameterError("Files cannot be given by id here.", param=f"{place}.file.file_id")
    param = f"{place}.file.file_data"
    inline = data_url(part.file.file_data or "")
    if inline is None:
        raise InvalidRequestError(f"'{param}' should be a data URL.", param=param)
    if inline.media_type == PDF:
        source = _base64(inline, PDF, param)
    elif inline.media_type.startswith("text/"):
        try:
            text = inline.content().decode()
        except ValueError as error:
            raise InvalidRequestError(f"'{param}' should be a text in UTF-8.", param=param) from error
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        raise UnsupportedParameterError(
            "The model's provider takes files of the type application/pdf, and texts.", param=param
        )
    block: Block = {"type": "document", "source": source}
    if part.file.filename:
        block["title"] = part.file.filename
    return cached(block, part.model_extra, place)


def _base64(inline: DataURL, media_type: str | None, param: str) -> Block:
    if not inline.base64:
        raise InvalidRequestError(f"'{param}' should be a data URL in base64.", param=param)
    if media_type is None:
        types = ", ".join(dict.fromkeys(IMAGE_TYPES.values()))
        raise UnsupportedParameterError(
            f"The model's provider takes pictures of the types {types}.", param=param
        )
    return {"type": "base64", "media_type": media_type, "data": inline.data}

"""The parts of messages as Converse's content blocks.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html.
"""

from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any, Final, assert_never

from sluice.api.messages import AudioPart, FilePart, ImagePart, TextPart
from sluice.api.shapes import RequestShape
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.cache_control import CACHE_CONTROL, check_cache_control
from sluice.providers.data_urls import data_url
from sluice.providers.extra_members import check_members

type Block = dict[str, Any]

IMAGE_FORMATS: Final[Mapping[str, str]] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
DOCUMENT_TYPES: Final[Mapping[str, str]] = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
DOCUMENT_ENDINGS: Final = frozenset({*DOCUMENT_TYPES.values(), "htm", "markdown"})
_ENDINGS: Final[Mapping[str, str]] = {"htm": "html", "markdown": "md"}
"""Other endings of file names for the same."""
_CACHEABLE: Final = frozenset({CACHE_CONTROL})
AUDIO_FORMATS: Final = frozenset({"mp3", "wav", "aac", "flac", "ogg", "opus", "m4a", "webm"})


def user_block(part: TextPart | ImagePart | AudioPart | FilePart, place: str, number: int) -> Block:
    """A part of a user's turn.

    Args:
        part: to be said.
        place: of the part in the request, for the error.
        number: of documents before it: their names have to differ.

    Raises:
        InvalidRequestError: a data URL or its base64 is broken.
        UnsupportedParameterError: it is of a kind or a format that Converse has not.
    """
    match part:
        case TextPart():
            return {"text": part.text}
        case ImagePart():
            check_members(part.image_url, f"{place}.image_url")
            return _image(part.image_url.url, f"{place}.image_url.url")
        case FilePart():
            check_members(part.file, f"{place}.file")
            return _document(part, f"{place}.file", number)
        case AudioPart(input_audio=sound):
            check_members(sound, f"{place}.input_audio")
            if sound.format not in AUDIO_FORMATS:
                raise UnsupportedParameterError(
                    f"Bedrock takes sound as {_list(AUDIO_FORMATS)}.", param=f"{place}.input_audio.format"
                )
            return {
                "audio": {"format": sound.format, "source": _source(sound.data, f"{place}.input_audio.data")}
            }
        case _:
            assert_never(part)


def cache_points(part: RequestShape, place: str) -> list[Block]:
    """Where a part says ``cache_control``, as clients of Anthropic's models know it: the mark that follows it.

    Raises:
        InvalidRequestError: it is none.
        UnsupportedParameterError: it asks for what has no price here, or has another member that OpenAI's has not.
    """
    check_members(part, place, _CACHEABLE)
    mark = (part.model_extra or {}).get(CACHE_CONTROL)
    if mark is None:
        return []
    check_cache_control(mark, f"{place}.{CACHE_CONTROL}")
    return [{"cachePoint": {"type": "default"}}]


def _image(url: str, place: str) -> Block:
    found = data_url(url)
    if found is None or not found.base64:
        raise UnsupportedParameterError("Bedrock takes pictures in base64 only, as a data URL.", param=place)
    form = IMAGE_FORMATS.get(found.media_type)
    if form is None:
        raise UnsupportedParameterError(
            f"Bedrock takes pictures as {_list(frozenset(IMAGE_FORMATS.values()))}.", param=place
        )
    return {"image": {"format": form, "source": _source(found.data, place)}}


def _document(part: FilePart, place: str, number: int) -> Block:
    """A document under a name of ours: Bedrock takes few characters in one, and warns of what a name tells a model."""
    text = part.file.file_data
    if text is None:
        raise UnsupportedParameterError("Bedrock takes documents inline only.", param=place)
    found = data_url(text)
    if found is not None and not found.base64:
        raise UnsupportedParameterError("Bedrock takes documents in base64 only.", param=f"{place}.file_data")
    form = DOCUMENT_TYPES.get(found.media_type) if found else None
    if form is None or form == "txt":  # some clients call every text plain
        ending = (part.file.filename or "").rpartition(".")[2].lower()
        form = _ENDINGS.get(ending, ending) if ending in DOCUMENT_ENDINGS else form
    if form is None:
        raise UnsupportedParameterError(
            f"Bedrock takes documents as {_list(frozenset(DOCUMENT_TYPES.values()))}, by type or file name.",
            param=place,
        )
    source = _source(text if found is None else found.data, f"{place}.file_data")
    return {"document": {"format": form, "name": f"document-{number + 1}", "source": source}}


def _source(data: str, place: str) -> Block:
    """Bytes, which JSON has in base64; looked at, and passed on as they are."""
    try:
        whole = a2b_base64(data, strict_mode=True)
    except ValueError as error:
        raise InvalidRequestError("This is not base64.", param=place) from error
    if not whole:
        raise InvalidRequestError("This is empty.", param=place)
    return {"bytes": data}


def _list(words: frozenset[str]) -> str:
    return ", ".join(sorted(words))

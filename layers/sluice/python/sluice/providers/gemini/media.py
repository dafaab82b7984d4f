"""Pictures, sound and documents of a user's turn as Gemini's parts.

What comes inline is ``inlineData``. A picture's address is ``fileData``, which Google fetches itself; it always goes
with the MIME type of a picture, so that nothing else is read at that address: a film would cost more than is held.

Source: https://ai.google.dev/gemini-api/docs/file-input-methods.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from sluice.api.messages import AudioPart, FilePart, ImagePart
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.data_urls import data_url
from sluice.providers.extra_members import check_members

type Part = dict[str, Any]

_PICTURES: Mapping[str, str] = {
    "image/png": "image/png",
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/webp": "image/webp",
    "image/heic": "image/heic",
    "image/heif": "image/heif",
    "image/bmp": "image/bmp",
}
"""What Gemini sees, by the names that clients have for it."""

_SUFFIXES: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "bmp": "image/bmp",
}
_UNTOLD = "image/jpeg"
"""What an address without such an ending is said to lead to: Google wants to be told a type, and finds the true one
among pictures by itself."""

_FILMS = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"})
"""Hosts whose addresses Google takes for films, whatever type they are said to be of."""

_SOUNDS: Mapping[str, str] = {
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "aiff": "audio/aiff",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
}
_DOCUMENTS: Mapping[str, str] = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "xml": "text/xml",
    "json": "application/json",
}
"""What a file without a data URL is, by the ending of its name."""


_UPLOADS = frozenset({"generativelanguage.googleapis.com"})
"""Where Google keeps what was uploaded: with the gateway's key, whoever has an address could have the file read."""


def image_part(part: ImagePart, place: str) -> Part:
    """A picture, inline or by its address.

    Raises:
        UnsupportedParameterError: it is of a kind, or at an address, that Gemini does not read.
        InvalidRequestError: its data URL is none.
    """
    check_members(part, place)
    check_members(part.image_url, f"{place}.image_url")
    param = f"{place}.image_url.url"
    url = part.image_url.url
    if url[:5].lower() == "data:":
        mime_type, data = _inline(url, param)
        known = _PICTURES.get(mime_type)
        if known is None:
            raise UnsupportedParameterError(
                f"Gemini sees no pictures of the type '{mime_type:.100}'.", param=param
            )
        return {"inlineData": {"mimeType": known, "data": data}}
    return {"fileData": {"mimeType": _type_at(url, param), "fileUri": url}}


def audio_part(part: AudioPart, place: str) -> Part:
    """A recording.

    Raises:
        UnsupportedParameterError: it is in a format that Gemini does not hear.
    """
    check_members(part, place)
    check_members(part.input_audio, f"{place}.input_audio")
    mime_type = _SOUNDS.get(part.input_audio.format)
    if mime_type is None:
        raise UnsupportedParameterError(
            f"Gemini hears no sound in the format '{part.input_audio.format:.100}'.",
            param=f"{place}.input_audio.format",
        )
    return {"inlineData": {"mimeType": mime_type, "data": part.input_audio.data}}


def file_part(part: FilePart, place: str) -> Part:
    """A document; its name only tells its type, where nothing else does.

    Raises:
        UnsupportedParameterError: it is an upload's id.
        InvalidRequestError: it is nothing, or of no known type.
    """
    check_members(part, place)
    file = part.file
    check_members(file, f"{place}.file")
    if file.file_id is not None:
        raise UnsupportedParameterError("Gemini has no files of OpenAI's.", param=f"{place}.file.file_id")
    param = f"{place}.file.file_data"
    if not file.file_data:
        raise InvalidRequestError("A file needs its data.", param=param)
    if file.file_data[:5].lower() == "data:":
        mime_type, data = _inline(file.file_data, param)
        return {"inlineData": {"mimeType": mime_type, "data": data}}
    mime_type = _DOCUMENTS.get((file.filename or "").rpartition(".")[2].lower(), "")
    if not mime_type:
        raise InvalidRequestError(
            "The file's type is not known: write its data as a data URL, 'data:<type>;base64,…'.", param=param
        )
    return {"inlineData": {"mimeType": mime_type, "data": file.file_data}}


def _inline(url: str, param: str) -> tuple[str, str]:
    """The MIME type and the base64 of a data URL."""
    found = data_url(url)
    if found is None or not found.base64:
        raise InvalidRequestError("The data URL is not of the form 'data:<type>;base64,…'.", param=param)
    return found.media_type, found.data


def _type_at(url: str, param: str) -> str:
    """What kind of picture is at an address."""
    address = _split(url)
    if address is None or address.scheme.lower() != "https" or not address.hostname:
        raise UnsupportedParameterError(
            "Gemini fetches pictures from addresses with https only.", param=param
        )
    if address.hostname in _FILMS:
        raise UnsupportedParameterError("There is a film at this address, and no picture.", param=param)
    if address.hostname in _UPLOADS:
        raise UnsupportedParameterError(
            "What lies in the gateway's own account at Google is not a client's to show.", param=param
        )
    name, dot, suffix = address.path.rpartition("/")[2].rpartition(".")
    return _SUFFIXES.get(suffix.lower(), _UNTOLD) if name and dot else _UNTOLD


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None

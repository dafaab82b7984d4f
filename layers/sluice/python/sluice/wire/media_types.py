"""What a file is, by its first bytes: pictures and videos that browsers show. Nothing that a sender says is believed.

Sources: https://mimesniff.spec.whatwg.org, ISO/IEC 14496-12 (boxes of MP4), RFC 8794 (EBML of WebM).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MediaType:
    """A kind of file.

    Attributes:
        content_type: its MIME type.
        ending: of a file's name, without the dot.
        kind: picture or video.
        seconds: how long a video is by its own word; None where it does not say.
    """

    content_type: str
    ending: str
    kind: Literal["image", "video"]
    seconds: float | None = None


_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_GIF = (b"GIF87a", b"GIF89a")
_EBML = b"\x1aE\xdf\xa3"
_WEBM_TYPE = b"\x42\x82"
"""The element DocType."""
_HEAD_BYTES = 256
_QUICKTIME = b"qt  "
_PICTURE_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"})
"""MP4's boxes hold pictures as well, which are none of the formats that are known here."""

_MOST_BOXES = 10_000


def recognised(content: bytes) -> MediaType | None:
    """What a file is; None where it is nothing that is known here."""
    head = content[:_HEAD_BYTES]
    if head.startswith(_PNG):
        return MediaType("image/png", "png", "image")
    if head.startswith(_JPEG):
        return MediaType("image/jpeg", "jpg", "image")
    if head.startswith(_GIF):
        return MediaType("image/gif", "gif", "image")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return MediaType("image/webp", "webp", "image")
    if head.startswith(_EBML) and _WEBM_TYPE in head and b"webm" in head:
        return MediaType("video/webm", "webm", "video")
    if head[4:8] == b"ftyp" and head[8:12] not in _PICTURE_BRANDS:
        return _film(content, head[8:12])
    return None


def _film(content: bytes, brand: bytes) -> MediaType:
    seconds = _duration(content)
    if brand == _QUICKTIME:
        return MediaType("video/quicktime", "mov", "video", seconds)
    return MediaType("video/mp4", "mp4", "video", seconds)


def _duration(content: bytes) -> float | None:
    """The length that the box ``mvhd``, inside ``moov``, tells."""
    view = memoryview(content)
    for kind, box in _boxes(view):
        if kind == b"moov":
            for inner, header in _boxes(box):
                if inner == b"mvhd":
                    return _duration_of(header)
    return None


def _duration_of(header: memoryview) -> float | None:
    form = ">4xIIII" if bytes(header[:1]) == b"\x00" else ">4xQQIQ"
    if len(header) < struct.calcsize(form):
        return None
    _, _, scale, length = struct.unpack_from(form, header)
    return length / scale if scale else None


def _boxes(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """The boxes of a file, or inside of one; it ends where they make no sense."""
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 8 > len(view):
            return
        size, kind = struct.unpack_from(">I4s", view, at)
        start = at + 8
        if size == 1 and at + 16 <= len(view):
            (size,) = struct.unpack_from(">Q", view, start)
            start += 8
        end = len(view) if size == 0 else at + size
        if end < start or end > len(view):
            return
        yield kind, view[start:end]
        at = end

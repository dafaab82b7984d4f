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
_DOC_TYPE = b"\x42\x82"
_HEAD_BYTES = 256
_QUICKTIME = b"qt  "
_OTHER_BRANDS = frozenset(
    {
        b"avif",
        b"avio",
        b"avis",
        b"crx ",
        b"heic",
        b"heim",
        b"heis",
        b"heix",
        b"hevc",
        b"hevx",
        b"mif1",
        b"msf1",
    }
    | {b"F4A ", b"F4B ", b"M4A ", b"M4B ", b"M4P "}
)
"""MP4's boxes hold sounds, and pictures of formats that are none of those known here."""

_MOST_BOXES = 10_000
"""That are looked through, at each level."""


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
    if head.startswith(_EBML) and _doc_type(head) == b"webm":
        return MediaType("video/webm", "webm", "video")
    if head[4:8] == b"ftyp" and len(head) >= 12 and head[8:12] not in _OTHER_BRANDS:
        return _film(content, head[8:12])
    return None


def _doc_type(head: bytes) -> bytes:
    """What the header of an EBML file says that it is a file of; empty where it does not say."""
    at, end = len(_EBML), len(head)
    at, size = _number(head, at)
    end = min(end, at + size)
    while at < end:
        start = at + _width(head[at])
        name = head[at:start]
        at, size = _number(head, start)
        if name == _DOC_TYPE:
            return head[at : at + size].rstrip(b"\0")
        at += size
    return b""


def _number(head: bytes, at: int) -> tuple[int, int]:
    """Where a number of EBML ends, and what it is: of one that is cut off, or none, that nothing follows."""
    width = _width(head[at]) if at < len(head) else 0
    if not width or at + width > len(head):
        return len(head), 0
    return at + width, int.from_bytes(head[at : at + width]) & ((1 << 7 * width) - 1)


def _width(first: int) -> int:
    """How many bytes a number, or a name, has that begins with this one; 0 where none does."""
    return 9 - first.bit_length() if first else 0


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
    # A file that is sent while it is made does not say how long it will be: 0, or as many ones as there is room for.
    unknown = length in (0, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF)
    return None if unknown or not scale else length / scale


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

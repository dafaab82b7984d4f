"""Files are known by their first bytes, and no bytes make the reader stumble."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.wire.media_types import MediaType, recognised


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def large_box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content


def header(version: int, scale: int, length: int) -> bytes:
    form = ">IIIII" if version == 0 else ">IQQIQ"
    return box(b"mvhd", struct.pack(form, version << 24, 0, 0, scale, length) + bytes(80))


def film(*boxes: bytes, brand: bytes = b"isom") -> bytes:
    return box(b"ftyp", brand + bytes(4)) + b"".join(boxes)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n....", MediaType("image/png", "png", "image")),
        (b"\xff\xd8\xff\xe0....", MediaType("image/jpeg", "jpg", "image")),
        (b"GIF89a....", MediaType("image/gif", "gif", "image")),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", MediaType("image/webp", "webp", "image")),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01\x42\x82\x84webm", MediaType("video/webm", "webm", "video")),
        (film(box(b"moov", header(0, 1000, 4500))), MediaType("video/mp4", "mp4", "video", 4.5)),
        (film(box(b"moov", header(1, 600, 1200))), MediaType("video/mp4", "mp4", "video", 2.0)),
        (
            film(
                large_box(b"mdat", bytes(50)),
                box(b"moov", box(b"free", b"") + header(0, 1, 3)),
                brand=b"qt  ",
            ),
            MediaType("video/quicktime", "mov", "video", 3.0),
        ),
        (film(box(b"moov", header(0, 0, 3))), MediaType("video/mp4", "mp4", "video")),
        (film(box(b"mdat", b"..")), MediaType("video/mp4", "mp4", "video")),
        (film(brand=b"avif"), None),
        (b"<html>", None),
        (b"RIFF\x10\x00\x00\x00WAVE", None),
        (b"\x1aE\xdf\xa3\x42\x82\x88matroska", None),
        (b"", None),
    ],
)
def test_files_are_what_their_first_bytes_say(content: bytes, expected: MediaType | None) -> None:
    assert recognised(content) == expected


def test_a_film_that_is_cut_anywhere_is_a_film_without_a_length_or_nothing() -> None:
    whole = film(box(b"mdat", bytes(20)), box(b"moov", header(0, 1000, 4500)))
    for end in range(len(whole)):
        found = recognised(whole[:end])
        assert found is None if end < 8 else found == MediaType("video/mp4", "mp4", "video")


@given(lead=st.sampled_from([b"", film(), b"\x1aE\xdf\xa3", b"RIFF"]), rest=st.binary(max_size=300))
def test_no_bytes_make_the_reader_stumble(lead: bytes, rest: bytes) -> None:
    recognised(lead + rest)

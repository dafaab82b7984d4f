"""Files are known by their first bytes, and no bytes make the reader stumble."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.wire.media_types import MediaType, recognised

RECORDED = Path(__file__).parent / "recorded"
"""Files that ffmpeg 5.1 has written: 16 by 12 points, and a second and a half of video."""


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
        (film(box(b"moov", header(0, 1000, 0xFFFF_FFFF))), MediaType("video/mp4", "mp4", "video")),
        (film(box(b"moov", header(1, 1000, 0xFFFF_FFFF_FFFF_FFFF))), MediaType("video/mp4", "mp4", "video")),
        (film(brand=b"avif"), None),
        (film(brand=b"M4A "), None),
        (b"<html>", None),
        (b"RIFF\x10\x00\x00\x00WAVE", None),
        (b"\x1aE\xdf\xa3\x8b\x42\x82\x88matroska", None),
        (b"\x1aE\xdf\xa3\x8b\x42\x82\x88matroska\x42\x82\x84webm", None),
        (
            b"\x1aE\xdf\xa3\x8f\x42\x86\x85\x42\x82\x84we\x42\x82\x84webm",
            MediaType("video/webm", "webm", "video"),
        ),
        (b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x08\x42\x82\x85webm\0", MediaType("video/webm", "webm", "video")),
        (b"\x1aE\xdf\xa3\0\x42\x82\x84webm", None),
        (b"", None),
    ],
)
def test_files_are_what_their_first_bytes_say(content: bytes, expected: MediaType | None) -> None:
    assert recognised(content) == expected


def test_a_film_that_is_cut_anywhere_is_a_film_without_a_length_or_nothing() -> None:
    whole = film(box(b"mdat", bytes(20)), box(b"moov", header(0, 1000, 4500)))
    for end in range(len(whole)):
        found = recognised(whole[:end])
        assert found is None if end < 12 else found == MediaType("video/mp4", "mp4", "video")


WHOLE = {
    "picture.png": MediaType("image/png", "png", "image"),
    "picture.jpg": MediaType("image/jpeg", "jpg", "image"),
    "picture.gif": MediaType("image/gif", "gif", "image"),
    "picture.webp": MediaType("image/webp", "webp", "image"),
    "picture.avif": None,
    "picture.bmp": None,
    "film.mp4": MediaType("video/mp4", "mp4", "video", 1.5),
    "film_length_first.mp4": MediaType("video/mp4", "mp4", "video", 1.5),
    "film_in_pieces.mp4": MediaType("video/mp4", "mp4", "video"),
    "film.mov": MediaType("video/quicktime", "mov", "video", 1.5),
    "film.webm": MediaType("video/webm", "webm", "video"),
    "film.mkv": None,
    "sound.m4a": None,
}


@pytest.mark.parametrize(("name", "expected"), WHOLE.items())
def test_real_files_are_known(name: str, expected: MediaType | None) -> None:
    assert recognised((RECORDED / name).read_bytes()) == expected


@pytest.mark.parametrize(("name", "expected"), WHOLE.items())
def test_a_real_file_that_is_cut_anywhere_is_nothing_else(name: str, expected: MediaType | None) -> None:
    whole = (RECORDED / name).read_bytes()
    for end in range(len(whole)):
        found = recognised(whole[:end])
        if found is not None:
            assert expected is not None
            assert (found.content_type, found.kind) == (expected.content_type, expected.kind)
            assert found.seconds in (None, expected.seconds)


def test_every_real_file_is_one_of_those() -> None:
    assert {path.name for path in RECORDED.iterdir()} == WHOLE.keys()


def test_no_more_boxes_are_looked_through_than_any_film_has() -> None:
    length = box(b"moov", header(0, 1, 3))
    assert recognised(film(box(b"free", b"") * 1_000, length)) == MediaType("video/mp4", "mp4", "video", 3.0)
    assert recognised(film(box(b"free", b"") * 10_000, length)) == MediaType("video/mp4", "mp4", "video")


@given(lead=st.sampled_from([b"", film(), b"\x1aE\xdf\xa3", b"RIFF"]), rest=st.binary(max_size=300))
def test_no_bytes_make_the_reader_stumble(lead: bytes, rest: bytes) -> None:
    recognised(lead + rest)

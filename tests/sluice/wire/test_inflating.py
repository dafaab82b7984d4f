"""What is packed comes out whole, however it is cut, and never more at a time than a piece."""

import gzip
import zlib
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.wire.inflating import PIECE_BYTES, EncodingError, Inflater

CONTENT = bytes(range(256)) * 40


def raw_deflate(content: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(content) + packing.flush()


PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate ": raw_deflate,
}


def unpacked(encoding: str, parts: Sequence[bytes]) -> bytes:
    inflater = Inflater(encoding)
    content = b"".join(piece for part in parts for piece in inflater.feed(part))
    inflater.finish()
    return content


@pytest.mark.parametrize("encoding", PACKERS)
def test_it_is_the_same_wherever_it_is_cut(encoding: str) -> None:
    packed = PACKERS[encoding](CONTENT)
    for cut in range(len(packed) + 1):
        assert unpacked(encoding, [packed[:cut], b"", packed[cut:]]) == CONTENT
    assert unpacked(encoding, [bytes([byte]) for byte in packed]) == CONTENT


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "Deflate "])
def test_what_is_cut_off_is_not_whole(encoding: str) -> None:
    packed = PACKERS[encoding](CONTENT)
    for length in range(1, len(packed)):
        with pytest.raises(EncodingError):
            unpacked(encoding, [packed[:length]])


def test_of_nothing_nothing_is_cut_off() -> None:
    assert unpacked("gzip", []) == b""


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 50))
def test_gzips_files_may_follow_one_another(contents: list[bytes], size: int) -> None:
    packed = b"".join(map(gzip.compress, contents))
    parts = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert unpacked("gzip", parts) == b"".join(contents)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "Deflate "])
def test_a_bomb_goes_off_piece_by_piece(encoding: str) -> None:
    """A part of the size that a socket gives at once holds a thousand times as much."""
    size = 64 * 1024 * 1024
    pieces = Inflater(encoding).feed(PACKERS[encoding](bytes(size)))
    length = 0
    for piece in pieces:
        assert 0 < len(piece) <= PIECE_BYTES
        length += len(piece)
    assert length == size


@pytest.mark.parametrize("size", [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES])
def test_a_piece_that_is_just_full_holds_nothing_back(size: int) -> None:
    assert len(unpacked("gzip", [gzip.compress(bytes(size))])) == size


@pytest.mark.parametrize(
    "encoding", ["gzip, gzip", "gzip,identity", "br", "zstd", "compress", "gzip\x00", "é"]
)
def test_what_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(EncodingError):
        Inflater(encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@given(garbage=st.binary(min_size=1, max_size=200), before=st.binary(max_size=40))
def test_garbage_is_an_error_or_nothing_more(encoding: str, garbage: bytes, before: bytes) -> None:
    try:
        unpacked(encoding, [PACKERS[encoding](before), garbage])
    except EncodingError:
        return

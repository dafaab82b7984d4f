"""Content ids are those that IPFS's own implementation in JavaScript gives (ipfs-unixfs-importer 17.1.1)."""

import base64
import hashlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.wire.cid import CHUNK_BYTES, MOST_LINKS, cid_of


def content(length: int) -> bytes:
    """Bytes of a pattern that does not repeat within a file."""
    return b"".join(_row(number) for number in range(math.ceil(length / 256)))[:length]


def _row(number: int) -> bytes:
    shift = number * 7 + (number >> 8)
    return bytes((byte * 31 + shift) & 255 for byte in range(256))


@pytest.mark.parametrize(
    ("length", "cid"),
    [
        (0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
        (1, "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu"),
        (11, "bafkreiatkxzfxtv7mlyc5xb26oqu37fxpzaj5yj2g6ixzr2epg3dvnjh3m"),
        (CHUNK_BYTES - 1, "bafkreic6qomxptxdayqjbwulj7qcdynjjglwzdlw75rws3un3ngwfr7kw4"),
        (CHUNK_BYTES, "bafkreig6febf2je4comsmuz7bfvdv6uj2ombaa4lfmvojmj7ta3aju4z3i"),
        (CHUNK_BYTES + 1, "bafybeiewpjhw3zbvwc76i6fq62jmqe6xzm2x7k2ep4s4id5kohtpivdotq"),
        (2 * CHUNK_BYTES, "bafybeihf7e3kfzaleu6ohz7wm6kdziby5pyqjxovlsrbtcjzjyvdqra74a"),
        (700_000, "bafybeiddgrxvrxgfnxh3bom3vbt3egojbxbcdl4iwvcxzq73zapn3v3jzy"),
        (CHUNK_BYTES * MOST_LINKS, "bafybeiaf7iqg26m2i2f7bzs4pcwayr7gbbnk6z46bx4e7ior7sktgjxkqe"),
        (CHUNK_BYTES * MOST_LINKS + 1, "bafybeidm7rs2ptudq45xhd5ju2agxjii35lvemlwl6xckossgvu2eivrkm"),
    ],
)
def test_ids_are_ipfs_own(length: int, cid: str) -> None:
    assert cid_of(content(length)) == cid


@given(st.binary(max_size=1_000))
def test_what_fits_one_piece_goes_by_its_digest(content: bytes) -> None:
    digest = base64.b32decode(cid_of(content)[1:].upper() + "=" * 6)
    assert digest == b"\x01\x55\x12\x20" + hashlib.sha256(content).digest()

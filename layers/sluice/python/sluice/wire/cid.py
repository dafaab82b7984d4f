"""The id that content has on IPFS: computed here, so that nobody has to be believed about it.

Content is cut into pieces, each a block of its own; blocks above them list those below, up to one that stands for all.
How it is cut is what ``ipfs add --cid-version=1 --raw-leaves --chunker=size-262144`` has always done; whoever adds the
same bytes in the same way gets the same id.

    content ──▶ pieces of 256 KiB (raw blocks) ──▶ nodes of up to 174 links (dag-pb) ──▶ … ──▶ one ──▶ its CID

Sources: https://github.com/multiformats/cid, https://ipld.io/specs/codecs/dag-pb/spec/,
https://specs.ipfs.tech/unixfs/.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Final

CHUNK_BYTES: Final = 262_144
MOST_LINKS: Final = 174

_VERSION = 1
_RAW = 0x55
_DAG_PB = 0x70
_SHA2_256 = b"\x12\x20"
"""The name of the hash, and its length."""
_BASE32 = "b"
_FILE = 2
"""UnixFS's type."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A block: its id, how much it takes with all blocks below it, and how many bytes of the content that is."""

    cid: bytes
    stored: int
    length: int


def cid_of(content: bytes) -> str:
    """The id of a file's content: version 1, in base 32."""
    view = memoryview(content)
    blocks = [_leaf(view[at : at + CHUNK_BYTES]) for at in range(0, len(content), CHUNK_BYTES)]
    level: Sequence[_Block] = blocks or [_leaf(view)]
    while len(level) > 1:
        level = [_node(below) for below in batched(level, MOST_LINKS, strict=False)]
    return _BASE32 + base64.b32encode(level[0].cid).decode().rstrip("=").lower()


def _leaf(piece: memoryview) -> _Block:
    return _Block(_cid(_RAW, piece), len(piece), len(piece))


def _node(below: Sequence[_Block]) -> _Block:
    """The block above others."""
    length = sum(block.length for block in below)
    lengths = b"".join(_varint(4, block.length) for block in below)
    unixfs = _varint(1, _FILE) + _varint(3, length) + lengths
    links = b"".join(_bytes(2, _link(block)) for block in below)
    encoded = links + _bytes(1, unixfs)
    return _Block(_cid(_DAG_PB, encoded), len(encoded) + sum(block.stored for block in below), length)


def _link(block: _Block) -> bytes:
    return _bytes(1, block.cid) + _bytes(2, b"") + _varint(3, block.stored)


def _cid(codec: int, block: bytes | memoryview) -> bytes:
    return bytes([_VERSION, codec]) + _SHA2_256 + hashlib.sha256(block).digest()


def _bytes(field: int, value: bytes) -> bytes:
    """A field of Protocol Buffers that holds bytes."""
    return _number(field << 3 | 2) + _number(len(value)) + value


def _varint(field: int, value: int) -> bytes:
    """One that holds a number."""
    return _number(field << 3) + _number(value)


def _number(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)

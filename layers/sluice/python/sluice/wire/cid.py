"""The id that content has on IPFS: computed here, so that nobody has to be believed about it.

Content is cut into pieces, each a block of its own; blocks above them list those below, up to one that stands for all.
So the same bytes have another id for each way of cutting them; the ways that are in use have names.

    content ──▶ pieces ──▶ nodes that list so many of them (dag-pb) ──▶ … ──▶ one ──▶ its CID

Sources: https://github.com/multiformats/cid, https://ipld.io/specs/codecs/dag-pb/spec/,
https://specs.ipfs.tech/unixfs/, https://specs.ipfs.tech/ipips/ipip-0499/ (the names).
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Way:
    """A way to cut content.

    Attributes:
        version: of the id. In version 1, a piece is a block as it is; in version 0, a node without links.
        piece_bytes: of each piece but the last.
        most_links: of each node.
    """

    version: Literal[0, 1]
    piece_bytes: int
    most_links: int


CLASSIC: Final = Way(1, 256 * 1024, 174)
"""What ``ipfs add --cid-version=1`` has done for years."""
WAYS: Final = (
    CLASSIC,
    Way(0, 256 * 1024, 174),  # unixfs-v0-2015
    Way(1, 1024 * 1024, 1024),  # unixfs-v1-2025
)
"""Those that services use."""

_RAW = 0x55
_DAG_PB = 0x70
_SHA2_256 = b"\x12\x20"
"""The name of the hash, and its length."""
_BASE32 = "b"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_FILE = 2
"""UnixFS's type."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A block: its id, how much it takes with all blocks below it, and how many bytes of the content that is."""

    cid: bytes
    stored: int
    length: int


def cid_of(content: bytes, way: Way = CLASSIC) -> str:
    """The id of a file's content: version 1 in base 32, version 0 in base 58."""
    view = memoryview(content)
    pieces = [view[at : at + way.piece_bytes] for at in range(0, len(content), way.piece_bytes)] or [view]
    level: Sequence[_Block] = [_leaf(way, piece) for piece in pieces]
    while len(level) > 1:
        level = [_node(way, below) for below in batched(level, way.most_links, strict=False)]
    cid = level[0].cid
    if way.version == 0:
        return _base58(cid)
    return _BASE32 + base64.b32encode(cid).decode().rstrip("=").lower()


def has_id(content: bytes, cid: object) -> bool:
    """Whether an id is the content's, in any of the ways that services use."""
    return any(cid_of(content, way) == cid for way in WAYS)


def _leaf(way: Way, piece: memoryview) -> _Block:
    if way.version == 1:
        return _Block(_cid(way, _RAW, piece), len(piece), len(piece))
    data = _bytes(2, bytes(piece)) if piece else b""
    encoded = _bytes(1, _varint(1, _FILE) + data + _varint(3, len(piece)))
    return _Block(_cid(way, _DAG_PB, encoded), len(encoded), len(piece))


def _node(way: Way, below: Sequence[_Block]) -> _Block:
    """The block above others."""
    length = sum(block.length for block in below)
    lengths = b"".join(_varint(4, block.length) for block in below)
    unixfs = _varint(1, _FILE) + _varint(3, length) + lengths
    links = b"".join(_bytes(2, _link(block)) for block in below)
    encoded = links + _bytes(1, unixfs)
    stored = len(encoded) + sum(block.stored for block in below)
    return _Block(_cid(way, _DAG_PB, encoded), stored, length)


def _link(block: _Block) -> bytes:
    return _bytes(1, block.cid) + _bytes(2, b"") + _varint(3, block.stored)


def _cid(way: Way, codec: int, block: bytes | memoryview) -> bytes:
    digest = _SHA2_256 + hashlib.sha256(block).digest()
    return digest if way.version == 0 else bytes([way.version, codec]) + digest


def _base58(value: bytes) -> str:
    """Of bytes that do not begin with a zero."""
    number, digits = int.from_bytes(value), ""
    while number:
        number, digit = divmod(number, len(_BASE58))
        digits = _BASE58[digit] + digits
    return digits


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

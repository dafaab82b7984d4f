"""A reply as it is kept to be given again: compressed, and cut into parts that DynamoDB takes as items.

Only the whole of a reply is ever given back: a digest of its bytes tells whether that is what the parts are.
"""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

FIRST_PART_BYTES = 8 * 1024
"""The first part lies in the record that each request with the key tries to write, and a write that is refused is
charged by the size of the item it meets. Most replies need no other part."""

PART_BYTES = 300 * 1024
"""An item has at most 400 KB, names and numbers included."""


@dataclass(frozen=True, slots=True)
class KeptReply:
    """The body of a successful reply, as the client got it, the kind of its content, and its lasting headers."""

    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PackedReply:
    """The same to be stored.

    Attributes:
        content_type: the reply's.
        digest: SHA-256 of the body, in hex.
        parts: of the compressed body, in order; there is at least one.
        headers: what the reply has for good.
    """

    content_type: str
    digest: str
    parts: tuple[bytes, ...]
    headers: Mapping[str, str] = field(default_factory=dict)


class BrokenReplyError(Exception):
    """The parts are not those of one whole reply."""


class Packer:
    """Packs a reply while it is sent; what it was given is held in its compressed form only.

    Args:
        content_type: the reply's.
    """

    def __init__(self, content_type: str) -> None:
        self._content_type = content_type
        self._digest = hashlib.sha256()
        self._compressor = zlib.compressobj()
        self._compressed = bytearray()

    def add(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        self._digest.update(data)
        self._compressed += self._compressor.compress(data)

    def packed(self, headers: Mapping[str, str] | None = None) -> PackedReply:
        """The body is whole: give it packed, with its headers. This can be asked for once."""
        self._compressed += self._compressor.flush()
        parts = split(bytes(self._compressed))
        return PackedReply(self._content_type, self._digest.hexdigest(), parts, dict(headers or {}))


def unpacked(reply: PackedReply) -> KeptReply:
    """The reply as it was sent.

    Raises:
        BrokenReplyError: a part is missing, or belongs to another reply.
    """
    try:
        body = zlib.decompress(b"".join(reply.parts))
    except zlib.error as error:
        raise BrokenReplyError("the parts of a reply do not decompress") from error
    if hashlib.sha256(body).hexdigest() != reply.digest:
        raise BrokenReplyError("the parts of a reply add up to another one")
    return KeptReply(reply.content_type, body, reply.headers)


def split(data: bytes) -> tuple[bytes, ...]:
    """Cut bytes into one first part and as few others as will do."""
    rest = range(FIRST_PART_BYTES, len(data), PART_BYTES)
    return (data[:FIRST_PART_BYTES], *(data[start : start + PART_BYTES] for start in rest))

"""Packing replies: what comes back is what went in, or nothing."""

import random
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.stores import kept_replies
from sluice.stores.kept_replies import (
    FIRST_PART_BYTES,
    PART_BYTES,
    BrokenReplyError,
    KeptReply,
    PackedReply,
    Packer,
    split,
    unpacked,
)

ITEM_BYTES = 400 * 1024
NAMES_AND_NUMBERS = 1024


def packed(*pieces: bytes, content_type: str = "application/json") -> PackedReply:
    packer = Packer(content_type)
    for piece in pieces:
        packer.add(piece)
    return packer.packed()


def random_bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@given(st.binary(max_size=2000))
def test_parts_add_up_and_are_no_larger_than_they_may_be(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_replies, "FIRST_PART_BYTES", 10)
        patch.setattr(kept_replies, "PART_BYTES", 70)
        first, *others = split(data)
    assert first + b"".join(others) == data
    assert len(first) == min(10, len(data))
    assert all(len(part) == 70 for part in others[:-1])
    assert all(0 < len(part) <= 70 for part in others)


def test_every_part_fits_an_item() -> None:
    assert max(FIRST_PART_BYTES, PART_BYTES) + NAMES_AND_NUMBERS < ITEM_BYTES


@given(st.lists(st.binary(max_size=200)), st.sampled_from(["application/json", "text/event-stream"]))
def test_what_is_packed_comes_back_however_it_was_given(pieces: list[bytes], content_type: str) -> None:
    reply = packed(*pieces, content_type=content_type)
    assert unpacked(reply) == KeptReply(content_type, b"".join(pieces))


def test_the_chunks_of_a_stream_are_compressed_together() -> None:
    chunk = b'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"%d"}}]}\n\n'
    reply = packed(*(chunk % number for number in range(1000)))
    assert sum(map(len, reply.parts)) < 10_000


def test_a_lost_or_swapped_or_foreign_part_is_noticed() -> None:
    size = FIRST_PART_BYTES + 2 * PART_BYTES
    reply, other = packed(random_bytes(size)), packed(random_bytes(size + 1))
    first, second, third, *_ = reply.parts
    for parts in (
        (),
        (first,),
        (first, second),
        (first, third, second),
        (first, second, other.parts[2]),
        other.parts,
    ):
        with pytest.raises(BrokenReplyError):
            unpacked(replace(reply, parts=parts))


def test_whole_bytes_of_another_reply_are_noticed_by_the_digest() -> None:
    with pytest.raises(BrokenReplyError, match="another"):
        unpacked(replace(packed(b"one"), parts=(zlib.compress(b"two"),)))

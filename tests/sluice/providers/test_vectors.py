"""Vectors in base64, and back."""

import base64
import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.providers import vectors

FLOATS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20)


def packed(*numbers: float) -> str:
    """By a second way of packing."""
    return base64.b64encode(b"".join(struct.pack("<f", number) for number in numbers)).decode()


@given(FLOATS)
def test_base64_is_of_32_bit_floats_the_little_end_first(numbers: list[float]) -> None:
    assert vectors.base64_of(numbers) == packed(*numbers)


@given(FLOATS)
def test_there_and_back_is_the_same(numbers: list[float]) -> None:
    assert vectors.floats_of(vectors.base64_of(numbers)) == numbers


def test_the_other_byte_order_is_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine whose own order is the other one: here each float is turned to what it would be there."""
    native = vectors.base64_of([1.0])
    monkeypatch.setattr(vectors, "_NATIVE_IS_LITTLE", sys.byteorder != "little")
    assert base64.b64decode(vectors.base64_of([1.0])) == base64.b64decode(native)[::-1]

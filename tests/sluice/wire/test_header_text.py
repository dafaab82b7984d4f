"""Text as a header's value can hold it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.wire.header_text import header_text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gpt-4o mini", "gpt-4o mini"),
        ("", ""),
        ("größe", "gr%C3%B6%C3%9Fe"),
        ("a\r\nset-cookie: b=c", "a%0D%0Aset-cookie:%20b=c"),
        ("\x00\x7f", "%00%7F"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_what_is_not_plain_is_escaped(text: str, told: str) -> None:
    assert header_text(text) == told


@given(st.text(st.characters(codec=None)))
def test_no_text_ends_a_line_or_fails(text: str) -> None:
    told = header_text(text)
    assert told.isascii()
    assert told == "" or told.isprintable()

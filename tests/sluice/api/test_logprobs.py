"""Logprobs of pieces add up to those of the whole."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.logprobs import joined


@pytest.mark.parametrize(
    ("earlier", "later", "whole"),
    [
        (None, None, None),
        (None, {}, None),
        ({"tokens": ["a"]}, None, {"tokens": ["a"]}),
        (None, {"tokens": ["a"]}, {"tokens": ["a"]}),
        ({"tokens": ["a"]}, {"tokens": ["b"]}, {"tokens": ["a", "b"]}),
        ({"tokens": ["a"]}, {"tokens": None}, {"tokens": ["a"]}),
        ({"tokens": None}, {"tokens": ["b"]}, {"tokens": ["b"]}),
        ({"tokens": ["a"]}, {"other": 1}, {"tokens": ["a"], "other": 1}),
        ({"other": 1}, {"other": 2}, {"other": 2}),
    ],
)
def test_lists_are_appended_and_else_the_last_value_counts(
    earlier: dict[str, Any] | None, later: dict[str, Any] | None, whole: dict[str, Any] | None
) -> None:
    assert joined(earlier, later) == whole


@given(st.lists(st.lists(st.text(max_size=2), max_size=3)))
def test_nothing_is_lost_and_no_piece_is_changed(pieces: list[list[str]]) -> None:
    whole: dict[str, Any] | None = None
    parts = [{"tokens": list(piece)} for piece in pieces]
    for part in parts:
        whole = joined(whole, part)
    assert (whole or {"tokens": []})["tokens"] == [token for piece in pieces for token in piece]
    assert parts == [{"tokens": piece} for piece in pieces]


def test_no_list_is_copied_for_each_chunk() -> None:
    whole = joined(None, {"tokens": ["a"]})
    assert whole is not None
    tokens = whole["tokens"]
    again = joined(whole, {"tokens": ["b"]})
    assert again is not None
    assert again["tokens"] is tokens

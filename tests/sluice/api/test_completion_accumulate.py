"""Pieces of a text completion add up to what a whole reply would have been."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.completion_accumulate import TextAccumulator
from sluice.api.completion_reply import CompletionChunk


def chunk(text: str = "", finish: str | None = None, index: int = 0, **members: Any) -> CompletionChunk:
    choice = {"index": index, "text": text, "finish_reason": finish, **members}
    return CompletionChunk.model_validate({"id": "1", "created": 1, "model": "m", "choices": [choice]})


def last(**members: Any) -> CompletionChunk:
    return CompletionChunk.model_validate({"id": "1", "created": 1, "model": "m", "choices": [], **members})


def added_up(*chunks: CompletionChunk) -> dict[str, Any]:
    accumulator = TextAccumulator()
    for each in chunks:
        accumulator.add(each)
    return accumulator.whole().model_dump(mode="json")


@given(st.lists(st.tuples(st.integers(0, 2), st.text(max_size=3)), min_size=1))
def test_text_is_joined_for_each_choice_in_the_order_it_came(pieces: list[tuple[int, str]]) -> None:
    made = added_up(*(chunk(text, index=index) for index, text in pieces))
    expected = {index: "".join(text for at, text in pieces if at == index) for index, _ in pieces}
    assert {each["index"]: each["text"] for each in made["choices"]} == expected
    assert [each["index"] for each in made["choices"]] == sorted(expected)


def test_a_stream_adds_up_to_the_whole_reply() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    first = {"tokens": ["a"], "token_logprobs": [-1.0], "top_logprobs": [{}], "text_offset": [0]}
    second = {"tokens": ["b"], "token_logprobs": [-2.0], "top_logprobs": [{}], "text_offset": [1]}
    made = added_up(
        chunk("a", logprobs=first),
        chunk("b", logprobs=second),
        chunk(finish="length"),
        last(usage=usage, system_fingerprint="fp"),
    )
    assert made == {
        "id": "1",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "text": "ab",
                "logprobs": {
                    "tokens": ["a", "b"],
                    "token_logprobs": [-1.0, -2.0],
                    "top_logprobs": [{}, {}],
                    "text_offset": [0, 1],
                },
                "finish_reason": "length",
            }
        ],
        "usage": usage,
        "system_fingerprint": "fp",
    }


def test_usage_that_comes_early_is_not_forgotten() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert added_up(last(usage=usage, system_fingerprint="fp"), chunk("a"))["usage"] == usage


def test_what_breaks_off_has_what_came() -> None:
    made = added_up(chunk("a"), chunk("b", index=1, finish="length"))
    assert [(each["text"], each["finish_reason"]) for each in made["choices"]] == [
        ("a", "stop"),
        ("b", "length"),
    ]
    assert "usage" not in made


def test_nothing_adds_up_to_nothing() -> None:
    with pytest.raises(ValueError, match="no chunk"):
        TextAccumulator().whole()

"""Texts and tokens, in each of the four forms that clients write them in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.text_input import MOST_INPUTS, texts_of
from sluice.api.validation import validate
from sluice.errors import InvalidRequestError

TOKENS = st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=4)
LISTS = st.lists(st.text(), min_size=1, max_size=4) | st.lists(TOKENS, min_size=1, max_size=4)

SHAPES = [(CompletionRequest, "prompt"), (EmbeddingsRequest, "input")]
each_shape = pytest.mark.parametrize(("shape", "member"), SHAPES, ids=["completions", "embeddings"])


def fault(shape: type[CompletionRequest | EmbeddingsRequest], member: str, value: Any) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        validate(shape, {"model": "m", member: value})
    assert caught.value.status == 400
    return caught.value


@given(LISTS)
def test_a_list_of_texts_is_what_it_is(texts: list[Any]) -> None:
    assert texts_of(texts) == texts


@given(st.text() | TOKENS)
def test_one_text_is_a_list_of_one(text: Any) -> None:
    assert texts_of(text) == [text]


@given(st.text() | TOKENS | LISTS)
def test_what_was_sent_is_passed_on(value: Any) -> None:
    sent = {"model": "m", "prompt": value}
    request = validate(CompletionRequest, sent)
    assert request.prompts == texts_of(value)
    assert request.model_dump(mode="json", by_alias=True, exclude_unset=True) == sent


@each_shape
@pytest.mark.parametrize(
    ("value", "place"),
    [
        (None, ""),
        (7, ""),
        (True, ""),
        ({}, ""),
        ([], ""),
        ([None], ""),
        ([1.5], "[0]"),
        ([True], ""),
        ([{}], ""),
        (["a", 1], "[1]"),
        (["a", None], "[1]"),
        (["a", ["b"]], "[1]"),
        ([1, "a"], "[1]"),
        ([1, True], "[1]"),
        ([1, 1.5], "[1]"),
        ([1, [2]], "[1]"),
        ([-1], "[0]"),
        ([2**31], "[0]"),
        ([[]], "[0]"),
        ([[1], []], "[1]"),
        ([[1], 2], "[1]"),
        ([[1], "a"], "[1]"),
        ([[1, -1]], "[0][1]"),
        ([[1, True]], "[0][1]"),
        ([["a"]], "[0][0]"),
        ([[[1]]], "[0][0]"),
        (["a"] * (MOST_INPUTS + 1), ""),
        ([[1]] * (MOST_INPUTS + 1), ""),
    ],
)
def test_the_element_at_fault_is_named(
    shape: type[CompletionRequest | EmbeddingsRequest], member: str, value: Any, place: str
) -> None:
    error = fault(shape, member, value)
    assert error.param == member + place
    assert member + place in error.message


@each_shape
def test_what_has_no_form_is_told_the_forms_in_words_of_json(
    shape: type[CompletionRequest | EmbeddingsRequest], member: str
) -> None:
    assert "a string, or an array of strings, of tokens or of token arrays" in fault(shape, member, 7).message


@each_shape
def test_it_has_to_be_there(shape: type[CompletionRequest | EmbeddingsRequest], member: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"Missing required parameter: '{member}'") as caught:
        validate(shape, {"model": "m"})
    assert caught.value.param == member


@each_shape
@pytest.mark.parametrize("value", [["a"] * MOST_INPUTS, [[1]] * MOST_INPUTS, [1] * (MOST_INPUTS + 1)])
def test_as_many_as_may_be_are_taken(
    shape: type[CompletionRequest | EmbeddingsRequest], member: str, value: Any
) -> None:
    assert getattr(validate(shape, {"model": "m", member: value}), member) == value

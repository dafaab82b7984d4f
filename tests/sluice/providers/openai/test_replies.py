"""What all replies of OpenAI's format have in common: their head, reported failures, and when a stream has ended."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import SluiceError, UpstreamError
from sluice.providers.openai.replies import ChoiceEnds, complete_head, reply_object
from text_requests import completion_call


def ends(expected: int, *taken: tuple[int, bool]) -> ChoiceEnds:
    made = ChoiceEnds(expected)
    for index, ended in taken:
        made.take(index, ended=ended)
    return made


@pytest.mark.parametrize(
    ("expected", "taken", "without_done", "with_done"),
    [
        (1, [], False, False),
        (1, [(0, False)], False, False),
        (1, [(0, True)], True, True),
        (1, [(0, False), (0, True), (0, False)], True, True),
        (1, [(0, True), (1, False)], False, False),
        (2, [(0, True)], False, True),
        (2, [(0, True), (1, True)], True, True),
        (2, [(0, True), (1, True), (2, False)], False, False),
        (1, [(0, True), (1, True)], True, True),
    ],
)
def test_all_is_said_when_what_has_begun_has_ended(
    expected: int, taken: list[tuple[int, bool]], *, without_done: bool, with_done: bool
) -> None:
    made = ends(expected, *taken)
    assert made.all(finished=False) is without_done
    assert made.all(finished=True) is with_done


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans())), st.integers(1, 4))
def test_no_order_makes_an_open_choice_an_ended_one(taken: list[tuple[int, bool]], expected: int) -> None:
    made = ends(expected, *taken)
    open_ones = {index for index, _ in taken} - {index for index, ended in taken if ended}
    if open_ones or not taken:
        assert not made.all(finished=True)
        assert not made.all(finished=False)
    else:
        assert made.all(finished=True)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"message": "slow down", "code": 429}, 503),
        ({"message": "slow down", "type": "rate_limit_error", "code": None}, 503),
        ({"message": "busy", "type": "overloaded_error"}, 503),
        ({"message": "too long", "code": "context_length_exceeded"}, 400),
        ({"message": "who?", "code": "invalid_api_key"}, 502),
        ({"message": "broke", "code": "insufficient_quota"}, 502),
        ({"message": "odd", "code": ["unhashable"]}, 502),
        ("just text", 502),
    ],
)
def test_an_error_inside_a_good_status_means_what_its_code_means(error: Any, status: int) -> None:
    with pytest.raises(SluiceError) as caught:
        reply_object(json.dumps({"error": error}).encode())
    assert caught.value.status == status


@pytest.mark.parametrize("error", [None, {}, ""])
def test_an_empty_error_is_none_and_our_own_members_are_not_taken_over(error: Any) -> None:
    forged = {"requestHash": "f", "responseHash": "f", "search_result": [], "error": error, "kept": 1}
    assert reply_object(json.dumps(forged).encode()) == {"kept": 1}


def test_what_is_no_object_is_the_providers_failure() -> None:
    with pytest.raises(UpstreamError):
        reply_object(b"[]")


@pytest.mark.parametrize("missing", [{}, {"id": "", "created": 0, "choices": None}, {"id": None}])
def test_a_head_gets_what_the_provider_left_out(missing: dict[str, Any]) -> None:
    raw = dict(missing)
    complete_head(raw, completion_call())
    assert raw == {
        "id": "cmpl-ours",
        "created": 1_700_000_000,
        "model": "asked-for",
        "choices": [],
        "usage": None,
    }


def test_a_head_keeps_what_the_provider_gave_but_for_the_model() -> None:
    raw: dict[str, Any] = {"id": "1", "created": 2, "model": "upstream-model", "choices": [{}]}
    complete_head(raw, completion_call())
    assert (raw["id"], raw["created"], raw["model"], raw["choices"]) == ("1", 2, "asked-for", [{}])


@pytest.mark.parametrize(
    "members",
    [
        {"usage": {"prompt_tokens": 2, "completion_tokens": 3}},
        {"x_groq": {"usage": {"prompt_tokens": 2, "completion_tokens": 3}}},
        {"usage": None, "x_groq": {"usage": {"prompt_tokens": 2, "completion_tokens": 3}}},
    ],
)
def test_usage_is_found_where_hosts_put_it(members: dict[str, Any]) -> None:
    raw = dict(members)
    complete_head(raw, completion_call())
    assert (raw["usage"].prompt_tokens, raw["usage"].completion_tokens) == (2, 3)


@pytest.mark.parametrize("odd", ["x", 7, [], {"usage": 7}])
def test_what_is_no_usage_is_none(odd: Any) -> None:
    raw: dict[str, Any] = {"x_groq": odd}
    complete_head(raw, completion_call())
    assert raw["usage"] is None

"""The ranges of a text completion's members, and what they mean together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.completion_request import DEFAULT_MAX_TOKENS, CompletionRequest
from sluice.api.validation import validate
from sluice.errors import InvalidRequestError
from text_requests import completion_request

GOOD: dict[str, Any] = {"model": "m", "prompt": "a"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"suffix": 1}, "suffix"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"temperature": 2.1}, "temperature"),
        ({"top_p": 1.1}, "top_p"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"best_of": 0}, "best_of"),
        ({"best_of": 129}, "best_of"),
        ({"logprobs": True}, "logprobs"),
        ({"logprobs": -1}, "logprobs"),
        ({"logprobs": 6}, "logprobs"),
        ({"echo": "yes"}, "echo"),
        ({"stop": []}, "stop"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"presence_penalty": 2.1}, "presence_penalty"),
        ({"frequency_penalty": -2.1}, "frequency_penalty"),
        ({"logit_bias": {"1": 101}}, "logit_bias.1"),
        ({"seed": 2**63}, "seed"),
        ({"user": 1}, "user"),
        ({"stream": 1}, "stream"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ],
)
def test_the_member_at_fault_is_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validate(CompletionRequest, GOOD | members)
    assert caught.value.param == param


@pytest.mark.parametrize(
    "members",
    [
        {name: None for name in CompletionRequest.model_fields if name not in GOOD},
        {"max_tokens": 0, "echo": True, "logprobs": 0, "n": 128, "best_of": 128, "temperature": 2},
        {"logprobs": 5, "stop": ["a", "b", "c", "d"], "seed": -(2**63), "suffix": ""},
        {"unknown": {"kept": [1]}, "min_p": 0.1},
    ],
)
def test_what_was_sent_is_passed_on(members: dict[str, Any]) -> None:
    sent = GOOD | members
    assert validate(CompletionRequest, sent).model_dump(mode="json", exclude_unset=True) == sent


@pytest.mark.parametrize(("given_", "limit"), [(None, DEFAULT_MAX_TOKENS), (0, 0), (7, 7)])
def test_each_choice_has_a_limit_even_if_the_client_sets_none(given_: int | None, limit: int) -> None:
    assert completion_request(max_tokens=given_).output_tokens == limit
    assert completion_request().output_tokens == DEFAULT_MAX_TOKENS


@pytest.mark.parametrize(
    ("prompt", "n", "choices"), [("a", None, 1), ("a", 3, 3), (["a", "b"], 3, 6), ([1, 2], 2, 2)]
)
def test_each_prompt_has_n_choices(prompt: Any, n: int | None, choices: int) -> None:
    assert completion_request(prompt, n=n).choices == choices


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(list(CompletionRequest.model_fields)), VALUES))
def test_no_value_of_a_member_does_worse_than_a_named_error(members: dict[str, Any]) -> None:
    sent = GOOD | members
    try:
        request = validate(CompletionRequest, sent)
    except InvalidRequestError as error:
        assert error.param
    else:
        assert request.model_dump(mode="json", by_alias=True, exclude_unset=True) == sent

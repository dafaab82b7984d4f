"""What a request asks for that happens anyway."""

from typing import Any

import pytest

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_request import CompletionRequest
from sluice.api.validation import validate
from sluice.pipeline.neutral import NEUTRAL, without_neutral

USER = {"role": "user", "content": "Hi"}


def chat(**members: Any) -> ChatCompletionRequest:
    return validate(ChatCompletionRequest, {"model": "m", "messages": [USER], **members})


def test_every_neutral_value_is_one_of_a_request() -> None:
    request = chat(**NEUTRAL)
    left = without_neutral(request, NEUTRAL.keys())
    assert left.model_dump(exclude_unset=True).keys() == {"model", "messages"}
    assert request.temperature == 1


@pytest.mark.parametrize(
    ("member", "value"),
    [("temperature", 0), ("top_p", 0.9), ("n", 2), ("logprobs", True), ("stop", ["x"]), ("seed", 1)],
)
def test_what_asks_for_something_stays(member: str, value: object) -> None:
    request = chat(**{member: value})
    assert without_neutral(request, {member, "user"}) is request


def test_only_refused_members_go() -> None:
    request = without_neutral(
        chat(temperature=1.0, top_p=1.0, stop=None, verbosity=None), {"top_p", "verbosity"}
    )
    assert request.model_fields_set == {"model", "messages", "temperature", "stop"}


def test_no_logprobs_beside_the_chosen_ones_are_a_wish_of_completions() -> None:
    request = validate(CompletionRequest, {"model": "m", "prompt": "Hi", "logprobs": 0})
    assert without_neutral(request, {"logprobs"}) is request

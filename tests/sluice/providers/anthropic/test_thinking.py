"""How much the model thinks, in the way that it takes, and what does not go together with that."""

from typing import Any

import pytest

from anthropic_calls import CITY, USER, call, called, result, sent, target
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.anthropic import chat

HAIKU = target("thinking", model="claude-haiku-4-5")
OPUS = target("adaptive_thinking", model="claude-opus-4-8")
BOTH = target("thinking", "adaptive_thinking")
ADAPTIVE = {"type": "adaptive", "display": "summarized"}
THOUGHT = {
    "type": "reasoning.text",
    "text": "Hm.",
    "signature": "c2ln",
    "format": "anthropic-claude-v1",
    "index": 0,
}


@pytest.mark.parametrize("to", [OPUS, BOTH, target()], ids=["adaptive", "both", "unknown"])
@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max"])
def test_an_effort_is_said_where_the_model_decides(to: Any, effort: str) -> None:
    body = sent(to, reasoning_effort=effort)
    assert body["thinking"] == ADAPTIVE
    assert body["output_config"] == {"effort": effort}


@pytest.mark.parametrize(
    ("effort", "budget"),
    [("minimal", 1024), ("low", 2000), ("medium", 5000), ("high", 8000), ("xhigh", 9000), ("max", 9500)],
)
def test_an_effort_is_a_part_of_the_limit_where_the_model_has_budgets(effort: str, budget: int) -> None:
    body = sent(HAIKU, reasoning_effort=effort, max_tokens=10_000)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert "output_config" not in body


def test_a_limit_may_be_too_low_to_think() -> None:
    assert sent(HAIKU, reasoning_effort="max", max_tokens=1025)["thinking"]["budget_tokens"] == 1024
    with pytest.raises(InvalidRequestError) as caught:
        sent(HAIKU, reasoning_effort="low", max_tokens=1024)
    assert caught.value.param == "max_tokens"


@pytest.mark.parametrize("to", [HAIKU, OPUS, target()])
def test_none_turns_it_off(to: Any) -> None:
    body = sent(to, reasoning_effort="none")
    assert body["thinking"] == {"type": "disabled"}
    assert "output_config" not in body


def test_nothing_is_said_where_nothing_is_asked() -> None:
    assert not {"thinking", "output_config"} & sent(OPUS).keys()


def test_the_least_effort_is_refused_where_it_has_no_word() -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        sent(OPUS, reasoning_effort="minimal")
    assert caught.value.param == "reasoning_effort"


@pytest.mark.parametrize(
    "thinking",
    [
        {"type": "enabled", "budget_tokens": 2000},
        {"type": "adaptive", "display": "omitted"},
        {"type": "disabled"},
    ],
)
def test_thinking_is_passed_on_as_it_is(thinking: dict[str, Any]) -> None:
    assert sent(thinking=thinking)["thinking"] == thinking


def test_adaptive_thinking_may_have_an_effort() -> None:
    body = sent(thinking={"type": "adaptive"}, reasoning_effort="low")
    assert body["thinking"] == {"type": "adaptive"}
    assert body["output_config"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"thinking": "hard"}, "thinking"),
        ({"thinking": {"budget_tokens": 2000}}, "thinking"),
        ({"thinking": {"type": "enabled", "budget_tokens": 8000}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": "8k"}}, "thinking.budget_tokens"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000}, "reasoning_effort": "low"},
            "reasoning_effort",
        ),
        ({"thinking": {"type": "adaptive"}, "reasoning_effort": "none"}, "reasoning_effort"),
    ],
)
def test_thinking_that_cannot_be_is_refused(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat.upstream_request(call(**members))
    assert caught.value.param == param


@pytest.mark.parametrize("to", [HAIKU, OPUS])
@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"temperature": 0.5}, "temperature"),
        ({"top_p": 0.9}, "top_p"),
        ({"top_k": 5}, "top_k"),
        ({"tools": [CITY], "tool_choice": "required"}, "tool_choice"),
        (
            {"tools": [CITY], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
            "tool_choice",
        ),
    ],
)
def test_what_does_not_go_with_thinking_is_refused(to: Any, members: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        sent(to, reasoning_effort="high", **members)
    assert caught.value.param == param


@pytest.mark.parametrize(
    "members", [{"temperature": 1}, {"top_p": 0.95}, {"tools": [CITY], "tool_choice": "auto"}]
)
def test_what_does_is_not(members: dict[str, Any]) -> None:
    assert sent(HAIKU, reasoning_effort="high", **members)["thinking"]["type"] == "enabled"


def test_sampling_is_free_without_thinking() -> None:
    body = sent(HAIKU, reasoning_effort="none", temperature=0.5, top_p=0.5, top_k=5)
    assert (body["temperature"], body["top_p"], body["top_k"]) == (0.5, 0.5, 5)


class TestToolLoops:
    """A client may have lost the thoughts that led to a call."""

    def loop(self, **members: Any) -> list[dict[str, Any]]:
        return [USER, called("1", **members), result("1")]

    def test_go_on_without_thinking_where_a_budget_would_be_refused(self) -> None:
        body = sent(HAIKU, messages=self.loop(), tools=[CITY], reasoning_effort="high")
        assert "thinking" not in body
        given = {"type": "enabled", "budget_tokens": 2000}
        assert "thinking" not in sent(HAIKU, messages=self.loop(), tools=[CITY], thinking=given)

    def test_think_on_where_the_thoughts_are_there(self) -> None:
        body = sent(
            HAIKU, messages=self.loop(reasoning_details=[THOUGHT]), tools=[CITY], reasoning_effort="high"
        )
        assert body["thinking"]["type"] == "enabled"
        assert body["messages"][1]["content"][0] == {
            "type": "thinking",
            "thinking": "Hm.",
            "signature": "c2ln",
        }

    def test_think_on_where_the_model_decides(self) -> None:
        assert sent(OPUS, messages=self.loop(), tools=[CITY], reasoning_effort="high")["thinking"] == ADAPTIVE

    def test_of_before_do_not_matter(self) -> None:
        messages = [*self.loop(), {"role": "assistant", "content": "Sunny."}, USER]
        body = sent(HAIKU, messages=messages, tools=[CITY], reasoning_effort="high")
        assert body["thinking"]["type"] == "enabled"

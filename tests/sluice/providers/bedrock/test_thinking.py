"""How much a model thinks."""

from typing import Any

import pytest

from bedrock_calls import sent, target
from mock_bedrock import CLAUDE, NOVA
from sluice.errors import InvalidRequestError, UnsupportedParameterError


def fields(effort: str, *capabilities: str, model: str = CLAUDE, **members: Any) -> Any:
    return sent(target(model, *capabilities), reasoning_effort=effort, **members)[
        "additionalModelRequestFields"
    ]


@pytest.mark.parametrize(
    ("effort", "limit", "budget"),
    [("low", 10_000, 2_000), ("medium", 10_000, 5_000), ("minimal", 2_000, 1_024)],
)
def test_a_budget_is_a_part_of_the_limit(effort: str, limit: int, budget: int) -> None:
    assert fields(effort, "thinking", max_tokens=limit) == {
        "thinking": {"type": "enabled", "budget_tokens": budget}
    }


def test_without_a_limit_the_models_own_counts() -> None:
    body = sent(target(CLAUDE, "thinking", output_tokens=64_000), reasoning_effort="high")
    assert body["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 51_200


@pytest.mark.parametrize("limit", [{}, {"max_tokens": 1_024}])
def test_a_limit_without_room_to_think_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        fields("high", "thinking", **limit)
    assert caught.value.param == "max_tokens"


@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max"])
def test_newer_models_of_claude_take_the_effort_itself(effort: str) -> None:
    assert fields(effort, "adaptive_thinking", "thinking") == {
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": effort},
    }


@pytest.mark.parametrize(
    ("capability", "told"),
    [
        ("thinking", {"thinking": {"type": "disabled"}}),
        ("adaptive_thinking", {"thinking": {"type": "disabled"}}),
        ("nova_reasoning", {"reasoningConfig": {"type": "disabled"}}),
        ("reasoning_effort", {"reasoning_effort": "none"}),
    ],
)
def test_none_turns_it_off(capability: str, told: Any) -> None:
    assert fields("none", capability) == told


def test_nova_and_others_have_words_of_their_own() -> None:
    assert fields("high", "nova_reasoning", model=NOVA) == {
        "reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}
    }
    assert fields("low", "reasoning_effort") == {"reasoning_effort": "low"}


@pytest.mark.parametrize(
    ("effort", "capability"), [("minimal", "adaptive_thinking"), ("max", "nova_reasoning"), ("low", "tools")]
)
def test_what_a_model_does_not_know_is_refused(effort: str, capability: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        fields(effort, capability)
    assert caught.value.param == "reasoning_effort"

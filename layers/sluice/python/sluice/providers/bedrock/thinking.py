"""How much a model thinks, in ``additionalModelRequestFields``: each family has its own words.

``reasoning_effort`` is said in the way that the catalogue's capabilities name:

- ``thinking``: a budget of tokens, which is a part of the output limit (Claude 4.5 and older).
- ``adaptive_thinking``: an effort, by which the model decides itself (Claude 4.6 and later). Its thoughts are asked for
  as a summary, because the newest models keep them back otherwise.
- ``nova_reasoning``: an effort (Amazon Nova 2).
- ``reasoning_effort``: OpenAI's own member (gpt-oss, Kimi and others).

A model with none of these cannot be told.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-reasoning.html.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.contract import Target

LEAST_BUDGET = 1_024
"""Tokens, by Anthropic's rule."""

BUDGET_PERCENT: Final[Mapping[str, int]] = {
    "minimal": 10,
    "low": 20,
    "medium": 50,
    "high": 80,
    "xhigh": 90,
    "max": 95,
}
"""The part of the output limit that an effort may take for thoughts."""

_CLAUDE_EFFORTS: Final = frozenset({"low", "medium", "high", "xhigh", "max"})
_NOVA_EFFORTS: Final = frozenset({"low", "medium", "high"})

type Fields = dict[str, Any]


def effort_fields(effort: str | None, limit: int | None, target: Target) -> Fields:
    """The fields for an effort; none where the client names none.

    Args:
        effort: the client's.
        limit: the most tokens that the answer may have, where the client sets one.
        target: whose capabilities say which way the model takes.

    Raises:
        InvalidRequestError: the limit leaves no room to think.
        UnsupportedParameterError: the model has no such effort, or none at all.
    """
    if effort is None:
        return {}
    for capability, fields_of in _WAYS.items():
        if capability in target.capabilities:
            return fields_of(effort, target.output_tokens if limit is None else limit)
    raise UnsupportedParameterError(
        "The gateway knows no way to tell this model how much to think.", param="reasoning_effort"
    )


def _adaptive(effort: str, _: int | None) -> Fields:
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    _check(effort, _CLAUDE_EFFORTS)
    return {
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": effort},
    }


def _budget(effort: str, limit: int | None) -> Fields:
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    budget = max(LEAST_BUDGET, (limit or 0) * BUDGET_PERCENT[effort] // 100)
    if limit is None or budget >= limit:
        raise InvalidRequestError(
            f"To think, this model needs a limit of more than {LEAST_BUDGET} tokens, which thoughts count for.",
            param="max_tokens",
        )
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _nova(effort: str, _: int | None) -> Fields:
    if effort == "none":
        return {"reasoningConfig": {"type": "disabled"}}
    _check(effort, _NOVA_EFFORTS)
    return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}


def _openai(effort: str, _: int | None) -> Fields:
    return {"reasoning_effort": effort}


def _check(effort: str, known: frozenset[str]) -> None:
    if effort not in known:
        raise UnsupportedParameterError(
            f"This model knows the efforts {', '.join(sorted(known))}, and none.", param="reasoning_effort"
        )


_WAYS: Final[Mapping[str, Callable[[str, int | None], Fields]]] = {
    "adaptive_thinking": _adaptive,
    "thinking": _budget,
    "nova_reasoning": _nova,
    "reasoning_effort": _openai,
}

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

from sluice.errors import UnsupportedParameterError
from sluice.providers.claude_thinking import budget_of, check_effort
from sluice.providers.contract import Target

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
    check_effort(effort)
    return {
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": effort},
    }


def _budget(effort: str, limit: int | None) -> Fields:
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "enabled", "budget_tokens": budget_of(effort, limit)}}


def _nova(effort: str, _: int | None) -> Fields:
    if effort == "none":
        return {"reasoningConfig": {"type": "disabled"}}
    check_effort(effort, _NOVA_EFFORTS)
    return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}


def _openai(effort: str, _: int | None) -> Fields:
    return {"reasoning_effort": effort}


_WAYS: Final[Mapping[str, Callable[[str, int | None], Fields]]] = {
    "adaptive_thinking": _adaptive,
    "thinking": _budget,
    "nova_reasoning": _nova,
    "reasoning_effort": _openai,
}

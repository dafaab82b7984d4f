"""How much a model thinks: ``reasoning_effort`` as Gemini's ``thinkingConfig``.

Models of the series 2.5 take a budget of tokens, those since 3 take a level, earlier ones do not think. Which it is is
said by the catalogue's capabilities, or else by the model's id:

    thinking_budget     takes a budget
    thinking_level      takes a level
    thinking_minimal    has the level MINIMAL, too; for other models Google takes it for LOW
    thinking_always     takes a budget, but not one of 0

Thoughts are asked for whenever a model thinks: they are billed in any case.

Source: https://ai.google.dev/gemini-api/docs/thinking, and for what an effort amounts to
https://ai.google.dev/gemini-api/docs/openai#thinking.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.contract import Target

type Way = Literal["thinking_budget", "thinking_level"]

BUDGETS: Final[Mapping[str, int]] = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
LEVELS: Final[Mapping[str, str]] = {
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "XHIGH",
}

_SERIES = re.compile(r"gemini-(\d+)(?:\.(\d+))?-")
_LATEST = re.compile(r"gemini-(pro|flash|flash-lite)-latest")
_NOT_THINKING = re.compile(r"-(image|tts|live|audio|embedding)\b|native-audio")
_ALWAYS = re.compile(r"gemini-2\.5-pro\b")

_CONFIG_MEMBERS: Mapping[str, str] = {
    "thinking_budget": "thinkingBudget",
    "thinking_level": "thinkingLevel",
    "include_thoughts": "includeThoughts",
}


def way_of(target: Target) -> Way | None:
    """In which way the target's model is told how much to think; None if it is not known to think."""
    if "thinking_level" in target.capabilities:
        return "thinking_level"
    if "thinking_budget" in target.capabilities:
        return "thinking_budget"
    name = target.model.rpartition("/")[2]
    series = _SERIES.match(name)
    if _NOT_THINKING.search(name):
        return None
    if series is not None:
        version = int(series[1]), int(series[2] or 0)
        if version >= (3, 0):
            return "thinking_level"
        return "thinking_budget" if version >= (2, 5) else None
    return "thinking_level" if _LATEST.match(name) else None


def thinking_config(request: ChatCompletionRequest, target: Target) -> dict[str, Any] | None:
    """What the model is told of its thinking; None for one that does not think.

    Raises:
        UnsupportedParameterError: the model cannot think that much, or that little.
        InvalidRequestError: it is said twice, or not understood.
    """
    effort = request.reasoning_effort
    given = _given(request)
    if given is not None:
        if effort is not None:
            raise InvalidRequestError(
                "reasoning_effort and thinking_config say the same: give one.", param="reasoning_effort"
            )
        return {"includeThoughts": True, **given}
    way = way_of(target)
    match way:
        case None if effort in (None, "none"):
            return None
        case None:
            raise _unsupported("This model does not think.")
        case _ if effort is None:
            return {"includeThoughts": True}
        case "thinking_budget":
            return _budget(effort, target)
        case "thinking_level":
            return _level(effort, target)


def _budget(effort: str, target: Target) -> dict[str, Any]:
    budget = BUDGETS.get(effort)
    if budget is None:
        raise _unsupported("This model knows the efforts none, minimal, low, medium and high.")
    if budget > 0:
        return {"thinkingBudget": budget, "includeThoughts": True}
    if "thinking_always" in target.capabilities or _ALWAYS.search(target.model):
        raise _unsupported("This model always thinks.")
    return {"thinkingBudget": 0}


def _level(effort: str, target: Target) -> dict[str, Any]:
    level = LEVELS.get(effort)
    if level is None:
        raise _unsupported("This model always thinks, by the efforts minimal, low, medium, high and xhigh.")
    if effort == "minimal" and "thinking_minimal" not in target.capabilities:
        level = LEVELS["low"]
    return {"thinkingLevel": level, "includeThoughts": True}


def _given(request: ChatCompletionRequest) -> dict[str, Any] | None:
    """Google's own ``thinking_config``, as its endpoint in OpenAI's format takes it."""
    body = (request.model_extra or {}).get("extra_body")
    if not body:
        return None
    google = _members(body, "extra_body", ("google",)).get("google")
    if not google:
        return None
    config = _members(google, "extra_body.google", ("thinking_config",)).get("thinking_config")
    if not config:
        return None
    members = _members(config, "extra_body.google.thinking_config", _CONFIG_MEMBERS)
    return {_CONFIG_MEMBERS[name]: value for name, value in members.items()}


def _members(value: object, place: str, known: tuple[str, ...] | Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequestError("This should be an object.", param=place)
    for name in value:
        if name not in known:
            raise UnsupportedParameterError(
                "The model's provider does not know this.", param=f"{place}.{name:.100}"
            )
    return value


def _unsupported(why: str) -> UnsupportedParameterError:
    return UnsupportedParameterError(why, param="reasoning_effort")

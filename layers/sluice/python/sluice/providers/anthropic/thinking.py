"""How much the model thinks, and what goes with it.

``reasoning_effort`` is said in one of two ways. Which one a model takes, the catalogue's capabilities say:

- ``thinking`` alone: a budget of tokens, a part of ``max_tokens`` (Claude Opus 4.5, Sonnet 4.5, Haiku 4.5 and older).
- ``adaptive_thinking``, or neither: the model decides by ``output_config.effort`` (Claude 4.6 and later). Its thoughts
  are asked for as a summary, because the newest models keep them back otherwise.

``none`` turns thinking off, also in models that think unless told not to. Models that refuse an effort, or one of its
values, say so themselves, or the catalogue does (``unsupported_parameters``).

The member ``thinking`` is passed on as it is, in place of all that.

While it thinks on a budget, Anthropic wants the thoughts back that led to the calls whose results it gets. Clients that
know OpenAI's members only do not keep them. Their tool loops go on without thinking, which is what Anthropic's own
documents have it do when a loop began without.

Source: https://platform.claude.com/docs/en/build-with-claude/thinking, …/extended-thinking and …/effort.
"""

from typing import Any, Final

from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.anthropic.tools import forces_tool
from sluice.providers.claude_thinking import EFFORTS, budget_of, check_effort

BUDGETS: Final = "thinking"
ADAPTIVE: Final = "adaptive_thinking"

LEAST_TOP_P = 0.95
"""While it thinks."""

_THINKS = frozenset({"enabled", "adaptive"})
"""The types of ``thinking`` that let it think."""


def thinking_of(
    request: ChatCompletionRequest,
    max_tokens: int,
    capabilities: frozenset[str],
    *,
    resumes_without_thoughts: bool,
) -> tuple[dict[str, Any] | None, str | None]:
    """The member ``thinking`` and the effort, None for what is not to be said.

    Args:
        request: the client's.
        max_tokens: the limit that is sent with it.
        capabilities: of the model.
        resumes_without_thoughts: whether the conversation goes on from calls whose thoughts are not there.

    Raises:
        InvalidRequestError: the limit leaves no room to think, or two members contradict each other.
        UnsupportedParameterError: what is asked for does not go together with thinking.
    """
    given = (request.model_extra or {}).get("thinking")
    thinking, effort = (
        _of_effort(request.reasoning_effort, max_tokens, capabilities)
        if given is None
        else _given(given, request.reasoning_effort, max_tokens)
    )
    if thinking is not None and thinking["type"] in _THINKS:
        _check_companions(request)
        if resumes_without_thoughts and thinking["type"] == "enabled":
            thinking = None
    return thinking, effort


def _of_effort(
    effort: str | None, max_tokens: int, capabilities: frozenset[str]
) -> tuple[dict[str, Any] | None, str | None]:
    if effort is None:
        return None, None
    if effort == "none":
        return {"type": "disabled"}, None
    if BUDGETS in capabilities and ADAPTIVE not in capabilities:
        return {"type": "enabled", "budget_tokens": budget_of(effort, max_tokens)}, None
    check_effort(effort)
    return {"type": "adaptive", "display": "summarized"}, effort


def _given(given: object, effort: str | None, max_tokens: int) -> tuple[dict[str, Any], str | None]:
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        raise InvalidRequestError("'thinking' should be an object with a type.", param="thinking")
    budget = given.get("budget_tokens")
    if budget is not None and not (isinstance(budget, int) and budget < max_tokens):
        # With interleaved thinking Anthropic would take a larger one, as a limit in place of max_tokens.
        raise InvalidRequestError(
            "'thinking.budget_tokens' should be an integer below max_tokens.", param="thinking.budget_tokens"
        )
    if effort is not None and (given["type"] != "adaptive" or effort not in EFFORTS):
        raise InvalidRequestError(
            "'reasoning_effort' and 'thinking' contradict each other: give one of them.",
            param="reasoning_effort",
        )
    return given, effort


def _check_companions(request: ChatCompletionRequest) -> None:
    """What Anthropic does not take while it thinks."""
    extra = request.model_extra or {}
    refused = {
        "temperature": request.temperature not in (None, 1),
        "top_p": request.top_p is not None and request.top_p < LEAST_TOP_P,
        "top_k": extra.get("top_k") is not None,
        "tool_choice": bool(request.tools) and forces_tool(request.tool_choice),
    }
    for member, is_wrong in refused.items():
        if is_wrong:
            raise UnsupportedParameterError(
                f"The model cannot think with this '{member}': give either, or reasoning_effort none.",
                param=member,
            )

"""How much Claude thinks, as all of its hosts are told: by a budget of tokens, or by an effort.

Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking and …/effort.
"""

from collections.abc import Mapping
from typing import Final

from sluice.errors import InvalidRequestError, UnsupportedParameterError

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

EFFORTS: Final = frozenset({"low", "medium", "high", "xhigh", "max"})
"""What an effort can be, for models that decide themselves: the same words, without ``minimal``."""


def budget_of(effort: str, limit: int | None) -> int:
    """The budget for an effort, in tokens, out of so many that the answer may have.

    Raises:
        InvalidRequestError: that leaves no room to think.
    """
    budget = max(LEAST_BUDGET, (limit or 0) * BUDGET_PERCENT[effort] // 100)
    if limit is None or budget >= limit:
        raise InvalidRequestError(
            f"To think, this model needs a limit of more than {LEAST_BUDGET} tokens, which thoughts count for.",
            param="max_tokens",
        )
    return budget


def check_effort(effort: str, known: frozenset[str] = EFFORTS) -> None:
    """See that a model knows an effort.

    Raises:
        UnsupportedParameterError: it does not.
    """
    if effort not in known:
        raise UnsupportedParameterError(
            f"This model knows the efforts {', '.join(sorted(known))}, and none.", param="reasoning_effort"
        )

"""What a client is told when its request is not admitted."""

from typing import assert_never

from sluice.accounting.admission import NEVER, Refusal
from sluice.accounting.counter import Limits
from sluice.errors import BudgetExceededError, BudgetInFlightError, RateLimitError, SluiceError
from sluice.money import format_usd

_PERIODS = {"daily": " a day", "monthly": " a month"}


def error_of(refusal: Refusal, limits: Limits, now: float) -> SluiceError:
    """The error of a refusal, at the epoch second ``now``."""
    wait = None if refusal.retry_at == NEVER else max(0.0, refusal.retry_at - now)
    match refusal.reason:
        case "budget":
            return BudgetExceededError(
                f"This key's budget of {_budget(limits)} cannot cover this request, which may cost up to "
                f"{format_usd(refusal.at_least)} USD.",
                retriable=False,
            )
        case "budget_in_flight":
            return BudgetInFlightError(
                f"Requests in flight hold what is left of this key's budget of {_budget(limits)}; try again.",
                retry_after=wait,
            )
        case "too_many_tokens":
            return RateLimitError(
                f"This request may use up to {refusal.at_least} tokens, which is more than this key's limit of "
                f"{_token_limits(limits)} ever allows. Shorten it or lower max_tokens.",
                retriable=False,
            )
        case "requests":
            return RateLimitError(
                f"This key's limit of {limits.rpm} requests a minute is reached; try again.",
                retry_after=wait,
                retriable=False if wait is None else None,
            )
        case "minute_tokens":
            return RateLimitError(
                f"This key's limit of {limits.tpm} tokens a minute is reached; try again.", retry_after=wait
            )
        case "day_tokens":
            return RateLimitError(
                f"This key's limit of {limits.tpd} tokens a day is reached; try again.", retry_after=wait
            )
        case _:
            assert_never(refusal.reason)


def _budget(limits: Limits) -> str:
    return f"{format_usd(limits.budget or 0)} USD{_PERIODS.get(limits.budget_period or '', '')}"


def _token_limits(limits: Limits) -> str:
    named = ((limits.tpm, "tokens a minute"), (limits.tpd, "tokens a day"))
    return " and ".join(f"{limit} {name}" for limit, name in named if limit is not None)

"""What a client is told when its request is not admitted."""

from datetime import UTC, datetime
from typing import assert_never

from sluice.accounting.admission import MOST_IN_FLIGHT, NEVER, Refusal
from sluice.accounting.counter import Limits
from sluice.errors import BudgetExceededError, BudgetInFlightError, RateLimitError, SluiceError
from sluice.money import format_usd
from sluice.pipeline.rate_limit_headers import duration

_PERIODS = {"daily": " a day", "monthly": " a month"}


def error_of(refusal: Refusal, limits: Limits, now: float) -> SluiceError:
    """The error of a refusal, at the epoch second ``now``."""
    match refusal.reason:
        case "budget":
            return BudgetExceededError(_exceeded(refusal, limits), retriable=False)
        case "budget_in_flight":
            return BudgetInFlightError(
                f"Requests in flight hold what is left of this key's budget of {_budget(limits)}; try again.",
                retry_after=refusal.retry_at - now,
            )
        case "too_many_tokens":
            return RateLimitError(
                f"This request counts for up to {refusal.at_least} tokens, which is more than this key's limit of "
                f"{_token_limits(limits)} ever allows. Shorten it or lower max_tokens.",
                retriable=False,
            )
        case "requests":
            return _full(f"{limits.rpm} requests a minute", refusal, now)
        case "minute_tokens":
            return _full(f"{limits.tpm} tokens a minute", refusal, now)
        case "day_tokens":
            return _full(f"{limits.tpd} tokens a day", refusal, now)
        case "too_many_in_flight":
            return RateLimitError(
                f"This key has {MOST_IN_FLIGHT} requests in flight, the most there may be; try again.",
                retry_after=refusal.retry_at - now,
            )
        case _:
            assert_never(refusal.reason)


def _full(limit: str, refusal: Refusal, now: float) -> RateLimitError:
    if refusal.retry_at == NEVER:
        return RateLimitError(f"This key's limit is {limit}.", retriable=False)
    wait = max(0.0, refusal.retry_at - now)
    return RateLimitError(
        f"This key's limit of {limit} is reached; try again in {duration(wait)}.", retry_after=wait
    )


def _exceeded(refusal: Refusal, limits: Limits) -> str:
    told = (
        f"This key's budget of {_budget(limits)} has {format_usd(refusal.left)} USD left, "
        f"and this request needs {format_usd(refusal.at_least)} USD to be held for it."
    )
    if refusal.sure_until == NEVER:
        return told
    anew = datetime.fromtimestamp(refusal.sure_until, UTC)
    return f"{told} It starts anew on {anew:%Y-%m-%d} at 00:00 UTC."


def _budget(limits: Limits) -> str:
    return f"{format_usd(limits.budget or 0)} USD{_PERIODS.get(limits.budget_period or '', '')}"


def _token_limits(limits: Limits) -> str:
    named = ((limits.tpm, "tokens a minute"), (limits.tpd, "tokens a day"))
    return " and ".join(f"{limit} {name}" for limit, name in named if limit is not None)

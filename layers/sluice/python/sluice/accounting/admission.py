"""Whether a request fits: the decision that a conditional write then carries out, or finds outdated.

``decide`` is pure. What it says about a counter is true of that state only; the write has the state it rests on in its
condition, so a decision on an old state is never carried out.
"""

from dataclasses import dataclass
from typing import Literal

from sluice.accounting.counter import Counter, Limits
from sluice.accounting.demand import Bound, Fit
from sluice.accounting.periods import current_period, period_end
from sluice.accounting.windows import DAY, MINUTE, Shape, Window, empty

RefusalReason = Literal[
    "budget",
    "budget_in_flight",
    "too_many_tokens",
    "requests",
    "minute_tokens",
    "day_tokens",
    "too_many_in_flight",
]
"""``budget``: what is not spent of it is too little. ``budget_in_flight``: it would do, but for the holds.
``too_many_tokens``: more than a token limit allows to any request. The others: that window is full."""

IN_FLIGHT_SECONDS = 3.0
"""When to try again where only requests in flight stand in the way. Nobody knows when they end; an SDK tries twice
more, and most answers take less than both waits together."""

MOST_IN_FLIGHT = 2_000
"""A key's requests in flight, each of which lies in its counter: DynamoDB takes 400 KB, and asks a write unit for each
KB of every write."""

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request does not fit.

    Attributes:
        reason: why not.
        retry_at: the epoch second at which it will fit if nothing else is admitted; infinite if never.
        sure_until: until then no such request can fit, whatever is given back: it need not be asked again.
        at_least: such a request: one that needs at least so much (tokens, or nano-USD where the reason is the budget).
        left: where the reason is the budget, what is not spent of it, in nano-USD.
    """

    reason: RefusalReason
    retry_at: float
    sure_until: float
    at_least: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class Taking:
    """A request fits, with the limits of ``fit``; the windows and the period are those to count it in.

    ``seen`` is the state that this rests on, None where there is no counter yet.
    """

    fit: Fit
    seen: Counter | None
    requests: Window
    minute_tokens: Window
    day_tokens: Window
    period: str

    @property
    def rolls(self) -> bool:
        """Whether a slot or a period begins with it, or the counter itself."""
        seen = self.seen
        return seen is None or (
            seen.requests.slot,
            seen.minute_tokens.slot,
            seen.day_tokens.slot,
            seen.period,
        ) != (self.requests.slot, self.minute_tokens.slot, self.day_tokens.slot, self.period)


def decide(seen: Counter | None, limits: Limits, demand: Bound, now: float) -> Taking | Refusal:
    """Decide on a request at the epoch second ``now``, by the counter as it was seen."""
    counter = seen or Counter(
        requests=empty(MINUTE.slot_at(now)),
        minute_tokens=empty(MINUTE.slot_at(now)),
        day_tokens=empty(DAY.slot_at(now)),
        period=current_period(limits.budget_period, now, ""),
        used=0,
    )
    requests = counter.requests.rolled(MINUTE, MINUTE.slot_at(now))
    minute = counter.minute_tokens.rolled(MINUTE, MINUTE.slot_at(now))
    day = counter.day_tokens.rolled(DAY, DAY.slot_at(now))
    period = current_period(limits.budget_period, now, counter.period)
    used, held = (counter.used, counter.held) if period == counter.period else (0, 0)

    least = demand.least
    refusals = [
        refusal
        for refusal in (
            _budget(limits.budget, used, held, least, now, period),
            _tokens("minute_tokens", MINUTE, minute, limits.tpm, least, now),
            _tokens("day_tokens", DAY, day, limits.tpd, least, now),
            _requests(requests, limits.rpm, now),
            _in_flight(counter, now),
        )
        if refusal is not None
    ]
    if refusals:
        # The one that lasts longest: after any other the next try would fail again.
        return max(refusals, key=lambda refusal: refusal.retry_at)
    rooms = [
        limit - window.total
        for limit, window in ((limits.tpm, minute), (limits.tpd, day))
        if limit is not None
    ]
    money = None if limits.budget is None else limits.budget - used
    fit = demand.largest(min(rooms, default=None), money)
    if fit is None:
        raise AssertionError("the smallest request fits, but none does")
    return Taking(fit, seen, requests, minute, day, period)


def _requests(window: Window, limit: int | None, now: float) -> Refusal | None:
    if limit is None or window.total < limit:
        return None
    if limit < 1:
        return Refusal("requests", NEVER, NEVER, 0)
    until = max(
        window.falls_to(MINUTE, limit - 1) or 0.0, now
    )  # a clock that is ahead may have begun the slot
    return Refusal("requests", until, until, 0)


def _in_flight(counter: Counter, now: float) -> Refusal | None:
    if len(counter.holds) < MOST_IN_FLIGHT:
        return None
    return Refusal("too_many_in_flight", now + IN_FLIGHT_SECONDS, 0.0, 0)


def _tokens(
    reason: Literal["minute_tokens", "day_tokens"],
    shape: Shape,
    window: Window,
    limit: int | None,
    least: Fit,
    now: float,
) -> Refusal | None:
    if limit is None or window.total + least.tokens <= limit:
        return None
    if least.tokens > limit:
        return Refusal("too_many_tokens", NEVER, NEVER, least.tokens)
    room = limit - least.tokens
    # What is held will mostly be given back, nobody knows when; only what is settled has its time.
    settled = Window(window.slot, window.now, window.earlier, window.total - window.held)
    # Where that is little enough already, nothing is sure, not even until a slot begins that a clock ahead has begun.
    until = 0.0 if settled.total <= room else settled.falls_to(shape, room) or 0.0
    return Refusal(reason, until if until > now else now + IN_FLIGHT_SECONDS, until, least.tokens)


def _budget(limit: int | None, used: int, held: int, least: Fit, now: float, period: str) -> Refusal | None:
    if limit is None or used + least.amount <= limit:
        return None
    if used - held + least.amount > limit:
        end = period_end(period)
        return Refusal(
            "budget", NEVER, NEVER if end is None else end, least.amount, max(0, limit - used + held)
        )
    return Refusal("budget_in_flight", now + IN_FLIGHT_SECONDS, 0.0, least.amount)

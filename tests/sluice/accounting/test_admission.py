"""Decisions against a plain list of what stands in the way."""

import calendar
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sluice.accounting.admission import (
    IN_FLIGHT_SECONDS,
    MOST_IN_FLIGHT,
    NEVER,
    Refusal,
    RefusalReason,
    Taking,
    decide,
)
from sluice.accounting.costs import Rates
from sluice.accounting.counter import Counter, Hold, Limits
from sluice.accounting.demand import Demand
from sluice.accounting.periods import BudgetPeriod
from sluice.accounting.windows import DAY, MINUTE, Shape, Window, empty

NOON = calendar.timegm((2026, 11, 21, 12, 0, 0))
MIDNIGHT = float(calendar.timegm((2026, 11, 22, 0, 0, 0)))
DECEMBER = float(calendar.timegm((2026, 12, 1, 0, 0, 0)))
RATES = Rates(unit=3, input=4, cached=2, output=9, reasoning=10, cache_write=5)
ONE_A_TOKEN = Rates(1, 1, 1, 1, 1, 1)


def limit(most: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(0, most)


LIMITS = st.builds(
    Limits,
    rpm=limit(8),
    tpm=limit(120),
    tpd=limit(200),
    budget=limit(500),
    budget_period=st.sampled_from((None, "lifetime", "daily", "monthly")),
)
DEMANDS = st.builds(
    Demand,
    prompt_tokens=st.integers(0, 40),
    choices=st.integers(1, 3),
    output_tokens=st.integers(0, 60),
    adjustable=st.booleans(),
    rates=st.none() | st.just(RATES),
    prompt_estimate=st.none() | st.integers(0, 40),
)
NOWS = st.floats(NOON, NOON + 100) | st.floats(NOON, NOON + 2_000_000)


@st.composite
def windows(draw: st.DrawFn, shape: Shape, held: int) -> Window:
    earlier = draw(st.lists(st.integers(0, 30), max_size=shape.earlier_slots))
    counted = draw(st.integers(0, 30))
    slot = shape.slot_at(NOON) + draw(st.integers(-shape.earlier_slots - 2, 2))
    return Window(slot, counted, tuple(earlier), counted + sum(earlier) + held)


@st.composite
def counters(draw: st.DrawFn) -> Counter:
    periods = ("lifetime", "2026-11-20", "2026-11-21", "2026-10", "2026-11")
    period = draw(st.sampled_from(periods))
    holds = draw(
        st.lists(
            st.builds(
                Hold,
                st.integers(0, 200),
                st.integers(0, 40),
                st.just(NOON + 960),
                st.sampled_from((period, "2026-09")),
            ),
            max_size=3,
        )
    )
    tokens = sum(hold.tokens for hold in holds)
    held = sum(hold.amount for hold in holds if hold.period == period)
    return Counter(
        requests=draw(windows(MINUTE, 0)),
        minute_tokens=draw(windows(MINUTE, tokens)),
        day_tokens=draw(windows(DAY, tokens)),
        period=period,
        used=held + draw(st.integers(0, 400)),
        holds={f"req_{number}": hold for number, hold in enumerate(holds)},
    )


COUNTERS = st.none() | counters()

MOST_ARE_NOT_OF_THE_KIND = settings(suppress_health_check=[HealthCheck.filter_too_much])


def reasons(
    seen: Counter | None, limits: Limits, tokens: int, amount: int, now: float
) -> Iterator[RefusalReason]:
    """What stands in the way of so many tokens and so much money."""
    counter = seen or Counter(empty(0), empty(0), empty(0), period="", used=0)
    names = {None: "lifetime", "lifetime": "lifetime", "daily": "%Y-%m-%d", "monthly": "%Y-%m"}
    period = time.strftime(names[limits.budget_period], time.gmtime(now))
    is_current = period == counter.period or (len(period) == len(counter.period) and counter.period > period)
    used, held = (counter.used, counter.held) if is_current else (0, 0)
    if limits.budget is not None and used + amount > limits.budget:
        yield "budget" if used - held + amount > limits.budget else "budget_in_flight"
    requests = total(counter.requests, MINUTE, now)
    if limits.rpm is not None and requests >= limits.rpm:
        yield "requests"
    windows: Sequence[tuple[RefusalReason, Window, Shape, int | None]] = (
        ("minute_tokens", counter.minute_tokens, MINUTE, limits.tpm),
        ("day_tokens", counter.day_tokens, DAY, limits.tpd),
    )
    for reason, window, shape, most in windows:
        if most is not None and total(window, shape, now) + tokens > most:
            yield "too_many_tokens" if tokens > most else reason


def total(window: Window, shape: Shape, now: float) -> int:
    slot = max(window.slot, shape.slot_at(now))
    counts = (window.now, *window.earlier)
    kept = [count for age, count in enumerate(counts) if window.slot - age >= slot - shape.earlier_slots]
    return sum(kept) + window.held


@given(COUNTERS, LIMITS, DEMANDS, NOWS)
def test_what_fits_is_admitted_and_what_does_not_is_refused_for_what_stands_in_the_way(
    seen: Counter | None, limits: Limits, demand: Demand, now: float
) -> None:
    least = demand.least
    found = list(reasons(seen, limits, least.tokens, least.amount, now))
    match decide(seen, limits, demand, now):
        case Taking(fit=fit):
            assert not found
            assert not list(reasons(seen, limits, fit.tokens, fit.amount, now))
            assert least.output_tokens <= fit.output_tokens <= demand.output_tokens
            if fit.output_tokens < demand.output_tokens:
                more = demand.fit(fit.output_tokens + 1)
                assert demand.adjustable
                assert list(reasons(seen, limits, more.tokens, more.amount, now))
        case Refusal(reason=reason):
            assert reason in found


@MOST_ARE_NOT_OF_THE_KIND
@given(counters(), LIMITS, DEMANDS, NOWS)
def test_a_refused_request_fits_when_it_is_told_to_come_again_and_not_before(
    seen: Counter, limits: Limits, demand: Demand, now: float
) -> None:
    refusal = decide(seen, limits, demand, now)
    assume(isinstance(refusal, Refusal) and refusal.reason != "budget_in_flight" and refusal.retry_at < NEVER)
    assert isinstance(refusal, Refusal)
    assert refusal.retry_at > now
    then = decide(seen, limits, demand, refusal.retry_at)
    if isinstance(then, Refusal):
        # Only what is in flight can still be in the way: when that ends, nobody knows.
        assert then.retry_at == refusal.retry_at + IN_FLIGHT_SECONDS
    if refusal.retry_at > now + IN_FLIGHT_SECONDS:
        before = decide(seen, limits, demand, refusal.retry_at - 0.01)
        assert isinstance(before, Refusal)


@MOST_ARE_NOT_OF_THE_KIND
@given(counters(), LIMITS, DEMANDS, NOWS, st.data())
def test_a_sure_refusal_stays_one_whatever_is_given_back(
    seen: Counter, limits: Limits, demand: Demand, now: float, data: st.DataObject
) -> None:
    refusal = decide(seen, limits, demand, now)
    assume(isinstance(refusal, Refusal) and refusal.sure_until > now)
    assert isinstance(refusal, Refusal)
    later = data.draw(st.floats(now, min(refusal.sure_until - 0.001, now + 90_000)))
    ended = [name for name in seen.holds if data.draw(st.booleans())]
    more = data.draw(st.integers(0, 50))
    estimate = None if demand.prompt_estimate is None else demand.prompt_estimate + more
    bigger = replace(demand, prompt_tokens=demand.prompt_tokens + more, prompt_estimate=estimate)
    assert isinstance(decide(without(seen, ended), limits, bigger, later), Refusal)


def test_what_only_a_hold_stands_in_the_way_of_is_not_sure_though_a_clock_ahead_has_begun_the_slot() -> None:
    ahead = DAY.slot_at(NOON) + 1
    held = Counter(
        requests=empty(0),
        minute_tokens=empty(0),
        day_tokens=Window(ahead, 0, (), 1),
        period="lifetime",
        used=0,
        holds={"req_0": Hold(0, 1, NOON + 960, "lifetime")},
    )
    limits = Limits(rpm=None, tpm=None, tpd=63, budget=None, budget_period=None)
    demand = Demand(prompt_tokens=0, choices=3, output_tokens=21, adjustable=False, rates=None)
    refusal = decide(held, limits, demand, NOON)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.sure_until) == ("day_tokens", 0.0)


def without(counter: Counter, names: Sequence[str]) -> Counter:
    """The counter with some of its requests released."""
    ended = [counter.holds[name] for name in names]
    tokens = sum(hold.tokens for hold in ended)
    return replace(
        counter,
        minute_tokens=replace(counter.minute_tokens, total=counter.minute_tokens.total - tokens),
        day_tokens=replace(counter.day_tokens, total=counter.day_tokens.total - tokens),
        used=counter.used - sum(hold.amount for hold in ended if hold.period == counter.period),
        holds={name: hold for name, hold in counter.holds.items() if name not in names},
    )


@MOST_ARE_NOT_OF_THE_KIND
@given(counters(), LIMITS, DEMANDS, NOWS)
def test_an_admission_counts_in_the_slots_and_the_period_of_its_time_unless_later_ones_have_begun(
    seen: Counter, limits: Limits, demand: Demand, now: float
) -> None:
    taking = decide(seen, limits, demand, now)
    assume(isinstance(taking, Taking))
    assert isinstance(taking, Taking)
    assert taking.seen is seen
    assert taking.requests.slot == max(seen.requests.slot, MINUTE.slot_at(now))
    assert taking.minute_tokens.slot == max(seen.minute_tokens.slot, MINUTE.slot_at(now))
    assert taking.day_tokens.slot == max(seen.day_tokens.slot, DAY.slot_at(now))
    begins = [
        taking.requests is not seen.requests,
        taking.minute_tokens is not seen.minute_tokens,
        taking.day_tokens is not seen.day_tokens,
        taking.period != seen.period,
    ]
    assert taking.rolls == any(begins)


DEMAND = Demand(prompt_tokens=10, choices=1, output_tokens=20, adjustable=False, rates=ONE_A_TOKEN)
SPENT = Counter(
    requests=Window(MINUTE.slot_at(NOON), 2, (1,), 3),
    minute_tokens=Window(MINUTE.slot_at(NOON), 40, (20,), 80),
    day_tokens=Window(DAY.slot_at(NOON), 70, (100,), 190),
    period="2026-11-21",
    used=170,
    holds={"req_1": Hold(amount=20, tokens=20, expires_at=NOON + 960, period="2026-11-21")},
)
DAILY = Limits(budget_period="daily")


def test_more_requests_in_flight_than_a_counter_can_hold_are_refused_for_a_while() -> None:
    hold = Hold(amount=0, tokens=0, expires_at=NOON + 960, period="2026-11-21")
    full = replace(SPENT, holds={f"req_{number}": hold for number in range(MOST_IN_FLIGHT)})
    refusal = decide(full, DAILY, DEMAND, NOON)
    assert refusal == Refusal("too_many_in_flight", NOON + IN_FLIGHT_SECONDS, 0.0, 0)
    one_less = replace(full, holds=dict(list(full.holds.items())[1:]))
    assert isinstance(decide(one_less, DAILY, DEMAND, NOON), Taking)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (replace(DAILY, budget=170), ("budget", NEVER, MIDNIGHT, 30)),
        (replace(DAILY, budget=179), ("budget", NEVER, MIDNIGHT, 30)),
        (replace(DAILY, budget=180), ("budget_in_flight", NOON + IN_FLIGHT_SECONDS, 0.0, 30)),
        (replace(DAILY, rpm=3), ("requests", NOON + 64, NOON + 64, 0)),
        (replace(DAILY, rpm=2), ("requests", NOON + 68, NOON + 68, 0)),
        (replace(DAILY, rpm=0), ("requests", NEVER, NEVER, 0)),
        (replace(DAILY, tpm=29), ("too_many_tokens", NEVER, NEVER, 30)),
        (replace(DAILY, tpm=89), ("minute_tokens", NOON + 64, NOON + 64, 30)),
        (replace(DAILY, tpm=90), ("minute_tokens", NOON + IN_FLIGHT_SECONDS, 0.0, 30)),
        (
            replace(DAILY, tpm=109),
            ("minute_tokens", NOON + IN_FLIGHT_SECONDS, 0.0, 30),
        ),
        (replace(DAILY, tpd=29), ("too_many_tokens", NEVER, NEVER, 30)),
    ],
)
def test_a_refusal_says_why_and_until_when(limits: Limits, told: tuple[str, float, float, int]) -> None:
    refusal = decide(SPENT, limits, DEMAND, NOON)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.retry_at, refusal.sure_until, refusal.at_least) == told


def test_of_several_refusals_the_one_is_told_that_lasts_longest() -> None:
    limits = (
        replace(DAILY, rpm=2, tpm=90),
        replace(DAILY, rpm=2, budget=180),
        replace(DAILY, rpm=2, budget=100),
        replace(DAILY, rpm=2, tpd=199),
    )
    found = [decide(SPENT, each, DEMAND, NOON) for each in limits]
    assert [refusal.reason for refusal in found if isinstance(refusal, Refusal)] == [
        "requests",
        "requests",
        "budget",
        "day_tokens",
    ]


@pytest.mark.parametrize(
    ("now", "admitted"), [(MIDNIGHT - 0.01, False), (MIDNIGHT, True), (MIDNIGHT - 86_400, False)]
)
def test_a_day_s_budget_is_whole_again_at_midnight_and_not_for_a_clock_that_is_behind(
    now: float, admitted: bool
) -> None:
    taking = decide(SPENT, replace(DAILY, budget=100), DEMAND, now)
    assert isinstance(taking, Taking) is admitted


@pytest.mark.parametrize(
    ("period", "end"), [("lifetime", NEVER), ("2026-11", DECEMBER), ("2026-11-21", MIDNIGHT)]
)
def test_a_budget_that_is_spent_surely_is_so_until_its_period_ends(period: str, end: float) -> None:
    kinds: dict[str, BudgetPeriod] = {"lifetime": "lifetime", "2026-11": "monthly", "2026-11-21": "daily"}
    limits = Limits(budget=100, budget_period=kinds[period])
    refusal = decide(replace(SPENT, period=period, holds={}), limits, DEMAND, NOON)
    assert refusal == Refusal("budget", NEVER, end, at_least=30, left=0)


def test_where_the_client_set_no_limit_the_output_is_what_tokens_and_money_allow() -> None:
    demand = Demand(prompt_tokens=10, choices=2, output_tokens=500, adjustable=True, rates=ONE_A_TOKEN)
    room_for = itertools.starmap(
        lambda tpm, budget: decide(SPENT, replace(DAILY, tpm=tpm, budget=budget), demand, NOON),
        (
            (None, None),
            (80 + 10 + 2 * 50, None),
            (80 + 10 + 2 * 50 + 1, 170 + 10 + 2 * 40),
            (None, 170 + 10 + 2 * 16),
        ),
    )
    assert [taking.fit.output_tokens for taking in room_for if isinstance(taking, Taking)] == [
        500,
        50,
        40,
        16,
    ]
    assert isinstance(decide(SPENT, replace(DAILY, budget=170 + 10 + 2 * 16 - 1), demand, NOON), Refusal)

"""Requests in random patterns over simulated time: never more than a limit in its time, and never refused without need.

The patterns are repeated until a thousand requests were offered.
"""

import asyncio
import itertools
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fake_dynamodb import FakeClient, FakeDynamoDB
from key_records import key_record
from sluice.accounting.costs import Rates, TokenCount
from sluice.accounting.demand import Demand
from sluice.errors import RateLimitError
from sluice.pipeline.admit import Admitter
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.settle import Outcome, Settler
from sluice.stores.counters import CounterStore
from sluice.stores.keys import KeyRecord
from sluice.stores.ledger import LedgerStore
from stepped_loop import SteppedLoop

START = 1_795_262_400.0
OFFERED = 1000
LIMIT = 40
REFUSED_AT_MOST_FOR = 70.0
"""Nothing is refused while fewer than the limit were admitted in so many seconds."""

FEW = settings(max_examples=10)

PAUSES = st.just(0.0) | st.integers(0, 160).map(lambda halves: halves / 2) | st.floats(0, 80)
PATTERNS = st.lists(st.tuples(PAUSES, st.integers(0, 2), st.integers(0, 60)), min_size=1, max_size=40).filter(
    lambda steps: any(crowd for _, _, crowd in steps)
)
"""Pauses, and to which environment how many requests then come at once."""

CLOCKS = ((0.0,), (0.0, 1.0), (0.7, -1.0, 1.0))
"""By how much the environments' clocks are ahead."""


@dataclass
class Offer:
    """What became of requests that came at once: how many were admitted, and how many not."""

    at: float
    admitted: int
    refused: int


@dataclass
class Site:
    """Environments over one table; their clocks differ."""

    clocks: Sequence[float]
    now: float = START
    database: FakeDynamoDB = field(default_factory=FakeDynamoDB)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.environments = [self._environment(ahead) for ahead in self.clocks]

    def _environment(self, ahead: float) -> tuple[Admitter, Settler]:
        aws = FakeClient(self.database).aws
        counters, ledger = CounterStore(aws, "CountersTable"), LedgerStore(aws, "LedgerTable")

        def clock() -> float:
            return self.now + ahead

        reclaimer = Reclaimer(counters, ledger, clock=clock)
        admitter = Admitter(counters, reclaimer, hold_seconds=960, size=10, clock=clock)
        return admitter, Settler(counters, ledger, reclaimer, clock=clock, note=admitter.note)

    async def serve(self, place: int, key: KeyRecord, tokens: int) -> bool:
        """Serve a request to its end, if it is admitted."""
        admitter, settler = self.environments[place % len(self.environments)]
        demand = Demand(tokens, 1, 0, adjustable=False, rates=Rates(1, 1, 1, 1, 1, 1))
        try:
            admission = await admitter.admit(key, demand, f"req_{next(self.numbers)}")
        except RateLimitError as error:
            assert error.retry_after is not None
            return False
        await settler.settle(admission, Outcome("complete", "m", "p", TokenCount(tokens, 0), 0))
        return True

    async def offer(
        self, pattern: Sequence[tuple[float, int, int]], key: KeyRecord, tokens: int
    ) -> Sequence[Offer]:
        """Offer requests in a pattern."""
        offers: list[Offer] = []
        total = 0
        for pause, place, crowd in itertools.cycle(pattern):
            if total >= OFFERED:
                return offers
            self.now += pause
            served = await asyncio.gather(*(self.serve(place, key, tokens) for _ in range(crowd)))
            offers.append(Offer(self.now, sum(served), crowd - sum(served)))
            total += crowd
        raise AssertionError("a pattern never ends")


def offered(
    site: Site, pattern: Sequence[tuple[float, int, int]], key: KeyRecord, tokens: int = 1
) -> Sequence[Offer]:
    with closing(SteppedLoop()) as loop:
        return loop.finish(site.offer(pattern, key, tokens))


def check(offers: Sequence[Offer], limit: int, seconds: float, refused_at_most_for: float) -> None:
    times = [offer.at for offer in offers]
    sums = [0, *itertools.accumulate(offer.admitted for offer in offers)]
    for place, offer in enumerate(offers):
        assert sums[place + 1] - sums[bisect_right(times, offer.at - seconds)] <= limit
        recent = sums[place + 1] - sums[bisect_right(times, offer.at - refused_at_most_for)]
        assert not offer.refused or recent >= limit


@pytest.mark.parametrize("clocks", CLOCKS)
@given(pattern=PATTERNS)
@example(pattern=[(0.25, 0, 1)])
@example(pattern=[(4.0, 0, 3), (0.0, 1, 3)])
@example(pattern=[(0.0, 1, 60), (59.9, 0, 60), (0.2, 2, 60)])
@FEW
def test_a_thousand_requests_are_admitted_as_the_limit_says_and_refused_only_for_it(
    clocks: Sequence[float], pattern: Sequence[tuple[float, int, int]]
) -> None:
    offers = offered(Site(clocks), pattern, key_record("sk-rate", id="key_rate", rpm=LIMIT))
    check(offers, LIMIT, 60.0, REFUSED_AT_MOST_FOR)


@pytest.mark.parametrize("clocks", CLOCKS)
@given(pattern=PATTERNS, tokens=st.integers(1, 9))
@FEW
def test_so_are_their_tokens(
    clocks: Sequence[float], pattern: Sequence[tuple[float, int, int]], tokens: int
) -> None:
    key = key_record("sk-rate", id="key_rate", tpm=LIMIT * tokens + tokens - 1)
    check(offered(Site(clocks), pattern, key, tokens), LIMIT, 60.0, REFUSED_AT_MOST_FOR)


@pytest.mark.parametrize("clocks", CLOCKS)
@given(pattern=PATTERNS)
@FEW
def test_so_are_the_tokens_of_a_day(
    clocks: Sequence[float], pattern: Sequence[tuple[float, int, int]]
) -> None:
    slowly = [(pause * 600, place, crowd) for pause, place, crowd in pattern]
    offers = offered(Site(clocks), slowly, key_record("sk-rate", id="key_rate", tpd=LIMIT))
    check(offers, LIMIT, 86_400.0, 25 * 3600.0 + 2)


def test_a_clock_that_goes_back_admits_no_more() -> None:
    site, key = Site((0.0,)), key_record("sk-rate", id="key_rate", rpm=LIMIT)
    pattern = [(30.0, 0, 7), (-29.0, 0, 7)]
    offers = offered(site, pattern, key)
    latest = START
    times = []
    for offer in offers:
        latest = max(latest, offer.at)
        times.append(Offer(latest, offer.admitted, 0))
    check(times, LIMIT, 60.0, REFUSED_AT_MOST_FOR)

"""Many requests at once: of one process, of several, and on true engines of several that know nothing of each other."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest

from admissions import READ, WRITE, admitted, another, demand
from bookkeeping import Bookkeeping
from engines import Engine
from key_records import key_record
from sluice.accounting.costs import TokenCount
from sluice.accounting.counter import Charge, Counter
from sluice.accounting.windows import MINUTE
from sluice.errors import BudgetExceededError, BudgetInFlightError, OverloadedError, RateLimitError
from sluice.pipeline.admit import ATTEMPTS, Admission, Admitter
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.settle import Outcome, Settler
from sluice.stores import aws as aws_module
from sluice.stores.aws import AWS
from sluice.stores.counters import CounterStore
from sluice.stores.keys import KeyRecord
from sluice.stores.ledger import LedgerStore

CROWD = 200
HOLD_SECONDS = 960.0
WIDE = key_record("sk-wide", id="key_wide", rpm=10 * CROWD, budget_nano_usd=10**9)


@pytest.fixture
def books() -> Bookkeeping:
    return Bookkeeping()


async def crowd(admitter: Admitter, name: str, key: KeyRecord = WIDE) -> Sequence[Admission | BaseException]:
    asked = (admitter.admit(key, demand(10), f"req_{name}_{number}") for number in range(CROWD))
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_of_a_crowd_before_a_new_counter_one_reads_and_each_writes_once(books: Bookkeeping) -> None:
    books.client.calls.clear()
    assert all(isinstance(each, Admission) for each in await crowd(books.admitter, "first"))
    assert sorted(books.client.calls) == [READ] + [WRITE] * CROWD


@pytest.mark.parametrize("settled", [0, 1, 5])
async def test_of_a_crowd_before_a_new_slot_only_the_first_may_lose(books: Bookkeeping, settled: int) -> None:
    """Others settle before each of its writes, so that it loses so often."""
    others = [await admitted(books, WIDE, f"req_{number}") for number in range(settled)]
    books.now += MINUTE.slot_seconds

    def settling(other: Admission) -> Callable[[], Any]:
        async def settle() -> None:
            await books.counters.settle(WIDE.id, other.request_id, other.hold, Charge(1, 1))
            books.client.before[WRITE] = [settling(others.pop())] if others else []

        return settle

    if others:
        books.client.before[WRITE] = [settling(others.pop())]
    elif not settled:
        await admitted(books, WIDE, "req_0")
        books.now += MINUTE.slot_seconds
    books.client.calls.clear()
    assert all(isinstance(each, Admission) for each in await crowd(books.admitter, "next"))
    assert books.client.calls.count(READ) <= settled
    assert books.client.calls.count(WRITE) == CROWD + 2 * settled


async def test_of_a_crowd_that_another_environment_overtook_few_lose(books: Bookkeeping) -> None:
    await crowd(books.admitter, "first")
    books.now += MINUTE.slot_seconds
    await another(books).admit(WIDE, demand(10), "req_other")
    books.client.calls.clear()
    assert all(isinstance(each, Admission) for each in await crowd(books.admitter, "next"))
    assert books.client.calls.count(WRITE) == CROWD + 1


async def test_who_loses_each_race_is_told_to_come_again_and_holds_nothing(books: Bookkeeping) -> None:
    await admitted(books, WIDE, "req_0")
    other = another(books)

    async def overtake() -> None:
        books.now += MINUTE.slot_seconds
        books.client.before[WRITE] = []
        await other.admit(WIDE, demand(10), f"req_{books.now}")
        books.client.before[WRITE] = [overtake]

    books.client.before[WRITE] = [overtake]
    with pytest.raises(OverloadedError) as caught:
        await admitted(books, WIDE, "req_1")
    assert caught.value.retry_after == 1
    counter = await books.counters.read(WIDE.id)
    assert counter is not None
    assert "req_1" not in counter.holds
    assert len(counter.holds) == 1 + ATTEMPTS


async def test_crowds_of_two_environments_admit_what_fits_and_no_more(books: Bookkeeping) -> None:
    key = key_record("sk-tight", id="key_tight", budget_nano_usd=10 * CROWD + 9, rpm=10 * CROWD)
    found = await asyncio.gather(
        crowd(books.admitter, "one", key),
        crowd(another(books), "two", key),
        crowd(another(books), "three", key),
    )
    every = [each for crowded in found for each in crowded]
    assert sum(isinstance(each, Admission) for each in every) == CROWD
    assert sum(isinstance(each, BudgetInFlightError) for each in every) == 2 * CROWD
    counter = await books.counters.read(key.id)
    assert counter is not None
    assert counter.used == counter.held == 10 * CROWD


# ── On true engines ─────────────────────────────────────────────────────────────────────────────────────────

ENVIRONMENTS = 4
NOW = 1_795_262_400.0
"""Noon."""
MIDNIGHT = NOW + 43_200
FITTING = 100
names = (f"key_race_{number}" for number in itertools.count())


class Environment:
    """A process of its own, as far as DynamoDB can tell."""

    def __init__(self, aws: AWS) -> None:
        self.counters = CounterStore(aws, "CountersTable")
        self.ledger = LedgerStore(aws, "LedgerTable")
        reclaimer = Reclaimer(self.counters, self.ledger, clock=self.clock)
        self.admitter = Admitter(
            self.counters, reclaimer, hold_seconds=HOLD_SECONDS, size=10, clock=self.clock
        )
        self.settler = Settler(
            self.counters, self.ledger, reclaimer, clock=self.clock, note=self.admitter.note
        )
        self.now = NOW

    def clock(self) -> float:
        return self.now

    async def serve(self, key: KeyRecord, name: str, cost: int) -> bool:
        """Serve one request to its end."""
        admission = await self.admitter.admit(key, demand(10), name)
        tokens = TokenCount(cost, 0)
        return await self.settler.settle(admission, Outcome("complete", "m", "p", tokens, cost)) is not None


async def sampled(
    counters: CounterStore, key_id: str, work: Awaitable[Sequence[Any]]
) -> tuple[Sequence[Any], Sequence[Counter]]:
    """What work gives, and the counter as it was seen again and again meanwhile."""
    task = asyncio.ensure_future(work)
    seen = []
    while not task.done():
        counter = await counters.read(key_id)
        if counter is not None:
            seen.append(counter)
    return task.result(), seen


@pytest.fixture
async def environments(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sequence[Environment]]:
    # DynamoDB serves as many at once in no time; these engines take them one by one.
    monkeypatch.setattr(aws_module, "ATTEMPT_SECONDS", 120)
    monkeypatch.setattr(aws_module, "CONNECT_SECONDS", 120)
    with ExitStack() as stack:
        yield [Environment(stack.enter_context(closing(AWS(engine.endpoint)))) for _ in range(ENVIRONMENTS)]


def crowds_of(environments: Sequence[Environment], key: KeyRecord, name: str) -> Awaitable[Sequence[Any]]:
    return asyncio.gather(
        *(
            environment.admitter.admit(key, demand(10), f"req_{name}_{place}_{number}")
            for number in range(300)
            for place, environment in enumerate(environments)
        ),
        return_exceptions=True,
    )


async def test_crowds_of_four_processes_before_a_new_counter_admit_what_fits_and_settle_to_their_rows(
    environments: Sequence[Environment],
) -> None:
    key = key_record("sk-race", id=next(names), budget_nano_usd=10 * FITTING + 9, budget_period="monthly")
    first = environments[0]
    found, seen = await sampled(first.counters, key.id, crowds_of(environments, key, "race"))
    admissions = [each for each in found if isinstance(each, Admission)]
    assert len(admissions) == FITTING
    assert {type(each) for each in found} == {Admission, BudgetInFlightError}
    assert all(counter.used <= 10 * FITTING + 9 for counter in seen)
    assert max(counter.used for counter in seen) > 0

    settling = (
        environments[number % ENVIRONMENTS].settler.settle(
            admission, Outcome("complete", "m", "p", TokenCount(number % 11, 0), number % 11)
        )
        for number, admission in enumerate(admissions)
    )
    _, seen = await sampled(first.counters, key.id, asyncio.gather(*settling))
    assert all(counter.used <= 10 * FITTING + 9 for counter in seen)
    counter = await first.counters.read(key.id)
    assert counter is not None
    rows = [row async for row in first.ledger.rows(key.id)]
    assert len(rows) == FITTING
    assert counter.used == sum(row.cost for row in rows) == sum(number % 11 for number in range(FITTING))
    assert counter.minute_tokens.total == counter.used
    assert not counter.holds


async def test_crowds_of_four_processes_admit_no_more_requests_than_the_limit(
    environments: Sequence[Environment],
) -> None:
    key = key_record("sk-race", id=next(names), rpm=FITTING)
    found = await crowds_of(environments, key, "race")
    assert sum(isinstance(each, Admission) for each in found) == FITTING
    assert {type(each) for each in found} == {Admission, RateLimitError}
    counter = await environments[1].counters.read(key.id)
    assert counter is not None
    assert counter.requests.total == FITTING


async def test_requests_that_end_while_others_begin_slots_and_periods_keep_the_budget(
    environments: Sequence[Environment],
) -> None:
    """Each process leaps over slots and over midnight, in steps of its own, while all of them admit and settle."""
    budget = 500
    key = key_record("sk-race", id=next(names), budget_nano_usd=budget, budget_period="daily")

    async def lane(environment: Environment, place: int) -> int:
        served = 0
        for number in range(60):
            environment.now = MIDNIGHT + 15.0 * (number - 30)
            with suppress(BudgetExceededError, BudgetInFlightError, OverloadedError):
                served += await environment.serve(key, f"req_{place}_{number}", number % 11)
        return served

    lanes = (lane(environments[place % ENVIRONMENTS], place) for place in range(24))
    served, seen = await sampled(environments[0].counters, key.id, asyncio.gather(*lanes))
    assert all(counter.used <= budget for counter in seen)
    counter = await environments[0].counters.read(key.id)
    assert counter is not None
    assert not counter.holds
    rows = [row async for row in environments[0].ledger.rows(key.id)]
    assert len(rows) == sum(served) > 0
    periods = {row.period for row in rows}
    assert len(periods) > 1
    for period in periods:
        assert sum(row.cost for row in rows if row.period == period) <= budget
    assert counter.used == sum(row.cost for row in rows if row.period == counter.period)

"""While requests go on, a key is proved or it is busy, but never said to be wrong when it is not."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookkeeping import (
    BUDGET,
    HOLD_SECONDS,
    Bookkeeping,
    Event,
    different,
    key_that_spent,
    key_with_budget,
    ledger_row,
)
from sluice.accounting.periods import BudgetPeriod
from sluice.pipeline.admit import Admission
from sluice.pipeline.reconcile import ATTEMPTS, Busy, Different, Equal, Finding
from sluice.stores.keys import KeyRecord

DAY_SECONDS = 86_400
ROWS_ARE_READ = "Query"
COUNTER_IS_WRITTEN = "UpdateItem"
ENOUGH = 100


@pytest.fixture
def books() -> Bookkeeping:
    return Bookkeeping()


Interruption = Callable[[Bookkeeping, KeyRecord, Admission], Coroutine[Any, Any, None]]


async def settles(books: Bookkeeping, _: KeyRecord, in_flight: Admission) -> None:
    await books.settle(in_flight, 20)


async def releases(books: Bookkeeping, _: KeyRecord, in_flight: Admission) -> None:
    await books.settler.release(in_flight)


async def admits(books: Bookkeeping, key: KeyRecord, _: Admission) -> None:
    await books.admit(key, "req_new", 10)


async def admits_and_settles(books: Bookkeeping, key: KeyRecord, _: Admission) -> None:
    await books.settle(await books.admit(key, "req_new", 10), 10)


async def settles_and_makes_up_for_it(books: Bookkeeping, key: KeyRecord, in_flight: Admission) -> None:
    await books.settle(in_flight, 20)
    await books.settle(await books.admit(key, "req_new", 10), 10)


async def begins_a_period(books: Bookkeeping, key: KeyRecord, _: Admission) -> None:
    books.now += 20 * DAY_SECONDS
    await books.admit(key, "req_new", 100)


@pytest.mark.parametrize(
    "interruption",
    [settles, releases, admits, admits_and_settles, settles_and_makes_up_for_it, begins_a_period],
)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("repair", [False, True])
async def test_what_moves_while_it_is_read_is_read_again(
    books: Bookkeeping, interruption: Interruption, when: Literal["before", "after"], repair: bool
) -> None:
    key = await key_that_spent(books, 70)
    in_flight = await books.admit(key, "req_in_flight", 30)
    events: list[Event] = [lambda: interruption(books, key, in_flight)]
    getattr(books.client, when)[ROWS_ARE_READ] = events
    assert isinstance(await books.reconciler.one(key.id, repair=repair), Equal)
    assert events == []


@pytest.mark.parametrize("repair", [False, True])
async def test_a_first_request_that_comes_while_it_is_read_is_no_lost_counter(
    books: Bookkeeping, repair: bool
) -> None:
    key = key_with_budget()
    books.keys.records.append(key)
    books.client.before[ROWS_ARE_READ] = [request(books, key, "req_first")]
    assert await books.reconciler.one(key.id, repair=repair) == Equal(key.id, 0)


def request(books: Bookkeeping, key: KeyRecord, request_id: str, amount: int = 10) -> Event:
    """A request from its beginning to its end."""

    async def from_beginning_to_end() -> None:
        await books.settle(await books.admit(key, request_id, amount), amount)

    return from_beginning_to_end


@pytest.mark.parametrize("wrong_by", [0, 5])
@pytest.mark.parametrize("repair", [False, True])
async def test_a_key_that_never_rests_is_busy_and_not_different(
    books: Bookkeeping, wrong_by: int, repair: bool
) -> None:
    key = await key_that_spent(books, 70)
    books.shift(key, wrong_by)
    requests = [request(books, key, f"req_{number}") for number in range(ENOUGH)]
    books.client.before[ROWS_ARE_READ] = requests
    assert await books.reconciler.one(key.id, repair=repair) == Busy(key.id, 0)
    requests.clear()
    found = await books.reconciler.one(key.id, repair=repair)
    assert isinstance(found, Different if wrong_by else Equal)


@pytest.mark.parametrize("wrong_by", [200, -200])
@pytest.mark.parametrize("repair", [False, True])
async def test_of_a_key_that_never_rests_what_its_requests_cannot_explain_is_different(
    books: Bookkeeping, wrong_by: int, repair: bool
) -> None:
    """While it is read there are a few requests of 10, so that most of the 200 are wrong for certain."""
    key = await key_that_spent(books, 70)
    await books.admit(key, "req_in_flight", 30)
    books.shift(key, wrong_by)
    requests = [request(books, key, f"req_{number}") for number in range(ENOUGH)]
    books.client.before[ROWS_ARE_READ] = requests
    found = await books.reconciler.one(key.id, repair=repair)
    assert isinstance(found, Different)
    assert not found.repaired
    assert 100 <= abs(found.balance.excess) <= 200
    assert (found.balance.excess > 0) == (wrong_by > 0)


async def test_of_a_key_that_never_rests_it_is_found_that_its_budget_is_exceeded(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70)
    await books.ledger.put(ledger_row(key.id, "req_twice", BUDGET))
    books.shift(key, BUDGET)
    poor = replace(key, budget_nano_usd=None)
    requests = [request(books, poor, f"req_{number}") for number in range(ENOUGH)]
    books.client.before[ROWS_ARE_READ] = requests
    found = await books.reconciler.one(key.id, repair=False)
    assert isinstance(found, Busy)
    assert found.over_budget >= 70


@pytest.mark.parametrize("reading", [1, ATTEMPTS])
async def test_of_a_key_that_never_rests_what_has_both_row_and_hold_counts_by_its_hold(
    books: Bookkeeping, reading: int
) -> None:
    """Also where it costs more than is held for it, as it may without a budget."""
    key = await key_that_spent(books, 70)
    between = await books.admit(key, "req_between", 30)

    def moves(number: int) -> Event:
        async def one_is_admitted_and_another_leaves_its_row() -> None:
            await books.admit(key, f"req_{number}", 1)
            if number == reading:
                await books.ledger.put(ledger_row(key.id, between.request_id, 500))

        return one_is_admitted_and_another_leaves_its_row

    books.client.before[ROWS_ARE_READ] = [moves(number) for number in range(1, ENOUGH)]
    assert await books.reconciler.one(key.id, repair=False) == Busy(key.id, 0)


async def test_a_request_that_comes_before_the_repair_is_counted_too(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70)
    books.shift(key, 5)
    found = different(key, 75, 70, 0)
    books.client.before[COUNTER_IS_WRITTEN] = [request(books, key, "req_between")]
    assert await books.reconciler.one(key.id, repair=True) == replace(found, repaired=True)
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)


async def test_a_lost_counter_that_a_request_makes_anew_gets_back_the_rest(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70)
    books.lose_counter(key)
    books.client.before[COUNTER_IS_WRITTEN] = [request(books, key, "req_between")]
    found = await books.reconciler.one(key.id, repair=True)
    assert found == replace(different(key, 10, 80, 0), repaired=True)
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)


@pytest.mark.parametrize("wrong_by", [5, -5])
@pytest.mark.parametrize("earlier_repairs", [0, 1])
async def test_of_two_repairs_one_is_made_though_the_counter_looks_as_it_did(
    books: Bookkeeping, wrong_by: int, earlier_repairs: int
) -> None:
    key = await key_that_spent(books, 70)
    in_flight = await books.admit(key, "req_in_flight", 30)
    for _ in range(earlier_repairs):
        books.shift(key, 9)
        assert isinstance(await books.reconciler.one(key.id, repair=True), Different)
    books.shift(key, wrong_by)
    found: list[Finding] = []

    async def the_other_repair_and_what_undoes_its_sum() -> None:
        found.append(await books.reconciler.one(key.id, repair=True))
        if wrong_by > 0:
            await request(books, key, "req_between", wrong_by)()
        else:
            await books.settle(in_flight, 30 + wrong_by)

    books.client.before[COUNTER_IS_WRITTEN] = [the_other_repair_and_what_undoes_its_sum]
    found.append(await books.reconciler.one(key.id, repair=True))
    assert found == [replace(different(key, 100 + wrong_by, 70, 30), repaired=True), Equal(key.id, 0)]
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)


@pytest.mark.parametrize("attempts", [1, ATTEMPTS])
@pytest.mark.parametrize("bounded", [True, False])
async def test_requests_in_parallel_are_never_a_difference(
    books: Bookkeeping, monkeypatch: pytest.MonkeyPatch, attempts: int, bounded: bool
) -> None:
    """With one attempt hardly any key is found at rest."""
    monkeypatch.setattr("sluice.pipeline.reconcile.ATTEMPTS", attempts)
    key = key_with_budget() if bounded else replace(key_with_budget(), budget_nano_usd=None)
    books.keys.records.append(key)
    done = False

    async def requests(name: str) -> None:
        for number in range(12):
            admission = await books.admit(key, f"req_{name}_{number}", 50)
            if number % 3:
                await books.settle(admission, 30 * (number % 4))
            else:
                await books.settler.release(admission)

    async def looks() -> list[type]:
        found = []
        while not done:
            found.append(type(await books.reconciler.one(key.id, repair=True)))
        return found

    looking = asyncio.ensure_future(looks())
    await asyncio.gather(*map(requests, "abc"))
    done = True
    assert set(await looking) <= {Equal, Busy}
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)


# ── Random histories ─────────────────────────────────────────────────────────────────────────────────────────

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("admit"), st.integers(0, 50)),
        st.tuples(st.sampled_from(["settle", "write_row"]), st.integers(0, 60)),
        st.tuples(st.just("release"), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([1, 60, 1000, DAY_SECONDS])),
        st.tuples(st.just("reclaim"), st.just(0)),
    ),
    max_size=14,
)
PERIODS: st.SearchStrategy[BudgetPeriod] = st.sampled_from(["lifetime", "daily", "monthly"])


@given(STEPS, PERIODS, st.integers(-100, 100))
@settings(max_examples=300)
def test_no_history_makes_a_difference_but_any_shift_does(
    steps: list[tuple[str, int]], period: BudgetPeriod, by: int
) -> None:
    asyncio.run(a_history(steps, period, by))


async def a_history(steps: list[tuple[str, int]], period: BudgetPeriod, by: int) -> None:
    books = Bookkeeping()
    key = key_with_budget(period=period)
    books.keys.records.append(key)
    open_requests: list[Admission] = []
    for number, (verb, amount) in enumerate(steps):
        admission = open_requests[0] if open_requests else None
        match verb:
            case "admit":
                open_requests.append(await books.admit(key, f"req_{number:02}", amount))
            case "wait":
                books.now += amount
                if amount > HOLD_SECONDS:
                    open_requests.clear()  # no process lives as long as a hold
            case "reclaim":
                await books.reclaimer.reclaim_all()
            case _ if admission is None:
                pass
            case "settle":
                await books.settle(open_requests.pop(0), amount)
            case "release":
                await books.settler.release(open_requests.pop(0))
            case "write_row":
                dead = open_requests.pop(0)
                row = ledger_row(key.id, dead.request_id, amount, period=dead.hold.period)
                await books.ledger.put(row)
        found = await books.reconciler.one(key.id, repair=False)
        assert isinstance(found, Equal), found

    counter = await books.counters.read(key.id)
    if counter is None:
        return
    assert await books.reconciler.one(key.id, repair=True) == Equal(key.id, len(counter.expired(books.now)))
    books.shift(key, by)
    for repaired in (False, True):
        found = await books.reconciler.one(key.id, repair=repaired)
        match found:
            case Different():
                assert (found.balance.excess, found.repaired) == (by, repaired)
            case _:
                assert by == 0
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)

"""A counter says what the ledger and the holds say, or the reconciler finds out, and mends it."""

from dataclasses import replace

import pytest

from bookkeeping import (
    BUDGET,
    HOLD_SECONDS,
    MONTH,
    NOON,
    Bookkeeping,
    different,
    key_that_spent,
    key_with_budget,
    ledger_row,
)
from sluice.accounting.counter import Charge
from sluice.pipeline.admit import Admission
from sluice.pipeline.reconcile import Balance, Different, Equal
from sluice.stores.keys import KeyNotFoundError

TODAY = "2026-11-21"
DAY_SECONDS = 86_400


@pytest.fixture
def books() -> Bookkeeping:
    return Bookkeeping()


async def end_without_row(books: Bookkeeping, admission: Admission) -> None:
    """Lose a hold: it is gone, but what it held still counts as used."""
    hold = admission.hold
    charge = Charge(hold.amount, 0)
    await books.counters.settle(admission.key.id, admission.request_id, hold, charge)


async def proves_and_repairs(books: Bookkeeping, found: Different) -> None:
    """It is found as often as one looks, until it is repaired."""
    assert await books.reconciler.one(found.key_id, repair=False) == found
    assert await books.reconciler.one(found.key_id, repair=False) == found
    assert await books.reconciler.one(found.key_id, repair=True) == replace(found, repaired=True)
    assert await books.reconciler.one(found.key_id, repair=True) == Equal(found.key_id, 0)


async def test_what_was_spent_and_what_is_held_is_what_is_used(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70)
    await books.settler.release(await books.admit(key, "req_failed", 30))
    await books.admit(key, "req_in_flight", 30)
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)


@pytest.mark.parametrize("by", [25, -25, -75], ids=["too much", "too little", "less than nothing"])
async def test_a_wrong_sum_is_found_and_repaired(books: Bookkeeping, by: int) -> None:
    key = await key_that_spent(books, 70)
    await books.admit(key, "req_in_flight", 30)
    books.shift(key, by)
    found = different(key, 100 + by, 70, 30)
    assert found.balance.excess == by
    await proves_and_repairs(books, found)
    after = await books.counters.read(key.id)
    assert after is not None
    assert (after.used, list(after.holds)) == (100, ["req_in_flight"])


async def test_a_lost_hold_is_found_and_repaired(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70)
    await end_without_row(books, await books.admit(key, "req_lost", 30))
    await proves_and_repairs(books, different(key, 100, 70, 0))


async def test_a_row_that_nobody_counted_is_found_and_repaired(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70)
    await books.ledger.put(ledger_row(key.id, "req_uncounted", 30))
    await proves_and_repairs(books, different(key, 70, 100, 0))


async def test_a_hold_that_has_its_row_already_counts_once_by_the_hold(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70)
    admission = await books.admit(key, "req_between", 30)
    await books.ledger.put(ledger_row(key.id, "req_between", 20))
    assert await books.reconciler.one(key.id, repair=True) == Equal(key.id, 0)
    books.shift(key, 1)
    found = different(key, 101, 70, 30)
    assert await books.reconciler.one(key.id, repair=True) == replace(found, repaired=True)
    await books.settle(admission, 20)
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)


async def test_an_admission_that_is_carried_out_when_its_request_is_settled_counts_beside_it(
    books: Bookkeeping,
) -> None:
    key = await key_that_spent(books, 70)
    books.now += 1
    await books.admit(key, "req_spent", 30)
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)
    books.now += HOLD_SECONDS + 1
    assert await books.reconciler.one(key.id, repair=True) == Equal(key.id, 1)
    after = await books.counters.read(key.id)
    assert after is not None
    assert (after.used, after.holds) == (70, {})


async def test_an_expired_hold_is_reported_and_reclaimed_by_a_repair_alone(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70)
    await books.admit(key, "req_killed", 30)
    await books.admit(key, "req_killed_late", 40)
    await books.ledger.put(ledger_row(key.id, "req_killed_late", 35))
    books.now += HOLD_SECONDS + 1
    for _ in range(2):
        assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 2)
    assert await books.reconciler.one(key.id, repair=True) == Equal(key.id, 2)
    assert await books.reconciler.one(key.id, repair=True) == Equal(key.id, 0)
    after = await books.counters.read(key.id)
    assert after is not None
    assert (after.used, after.holds) == (105, {})


async def test_with_a_difference_the_expired_holds_are_reclaimed_first(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70)
    await books.admit(key, "req_killed", 30)
    books.shift(key, 1)
    books.now += HOLD_SECONDS + 1
    found = different(key, 101, 70, 30, expired_holds=1)
    assert await books.reconciler.one(key.id, repair=False) == found
    assert await books.reconciler.one(key.id, repair=True) == replace(
        found, balance=Balance(MONTH, 71, 70, 0), repaired=True
    )


async def test_rows_and_holds_of_a_period_that_is_over_do_not_count(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70, "daily")
    books.now = NOON + DAY_SECONDS / 2 - 1
    late = await books.admit(key, "req_before_midnight", 30)
    books.now += 2
    await books.settle(await books.admit(key, "req_after_midnight", 20), 15)
    assert await books.reconciler.one(key.id, repair=True) == Equal(key.id, 0)
    books.shift(key, 100)
    found = different(key, 115, 15, 0, period="2026-11-22")
    await proves_and_repairs(books, found)
    await books.settle(late, 25)
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)


async def test_a_counter_that_is_gone_is_found_and_written_anew(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70)
    books.lose_counter(key)
    await proves_and_repairs(books, different(key, None, 70, 0))
    after = await books.counters.read(key.id)
    assert after is not None
    assert (after.used, after.holds, after.requests.total) == (70, {}, 0)
    assert after.last_used_at == int(NOON)
    await books.settle(await books.admit(key, "req_next", 30), 30)
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)


async def test_a_counter_that_is_gone_owes_nothing_of_a_period_that_is_over(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 70, "daily")
    books.lose_counter(key)
    assert await books.reconciler.one(key.id, repair=False) == different(key, None, 70, 0, period=TODAY)
    books.now += DAY_SECONDS
    assert await books.reconciler.one(key.id, repair=True) == Equal(key.id, 0)
    assert await books.counters.read(key.id) is None


async def test_a_counter_without_rows_and_a_key_without_either(books: Bookkeeping) -> None:
    unused, failed_only = key_with_budget("unused"), key_with_budget("failed")
    books.keys.records.append(unused)
    await books.settler.release(await books.admit(failed_only, "req_failed", 30))
    assert await books.reconciler.all(repair=True) == [Equal(failed_only.id, 0), Equal(unused.id, 0)]
    assert await books.counters.read(unused.id) is None
    books.shift(failed_only, 5)
    await proves_and_repairs(books, different(failed_only, 5, 0, 0))


async def test_an_unknown_key_is_none(books: Bookkeeping) -> None:
    with pytest.raises(KeyNotFoundError):
        await books.reconciler.one("key_none", repair=True)
    assert await books.reconciler.all(repair=True) == []


async def test_every_key_is_looked_at_once_also_where_only_its_counter_is_left(
    books: Bookkeeping,
) -> None:
    keys = [key_with_budget(f"{number:02}") for number in range(20)]
    for key in keys:
        if key.id < "key_10":
            books.keys.records.append(key)
        if key.id > "key_05":
            await books.settle(await books.admit(key, "req_one", 9), 9)
    books.keys.records.append(replace(keys[0], digest="rotated"))
    books.shift(keys[15], 1)
    found = await books.reconciler.all(repair=False)
    assert [each.key_id for each in found] == [key.id for key in keys]
    assert [each for each in found if not isinstance(each, Equal)] == [different(keys[15], 10, 9, 0)]


async def test_what_is_spent_and_held_beyond_a_budget_is_found_whatever_the_counter_says(
    books: Bookkeeping,
) -> None:
    key = await key_that_spent(books, 70)
    await books.admit(key, "req_in_flight", BUDGET - 70)
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)
    await books.ledger.put(ledger_row(key.id, "req_uncounted", 25))
    found = await books.reconciler.one(key.id, repair=False)
    assert found == replace(different(key, BUDGET, 95, BUDGET - 70), over_budget=25)
    assert isinstance(await books.reconciler.one(key.id, repair=True), Different)
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0, over_budget=25)


async def test_a_key_without_budget_exceeds_none(books: Bookkeeping) -> None:
    key = replace(key_with_budget(), budget_nano_usd=None, budget_period=None)
    books.keys.records.append(key)
    await books.settle(await books.admit(key, "req_one", 10 * BUDGET), 10 * BUDGET)
    assert await books.reconciler.one(key.id, repair=False) == Equal(key.id, 0)

"""Admissions: what they cost, what they remember, and that they are right where requests meet."""

from dataclasses import replace
from typing import Any

import pytest

from admissions import READ, WRITE, admitted, another, calls_of, demand
from bookkeeping import Bookkeeping
from fake_dynamodb import refused
from key_records import key_record
from sluice.accounting.counter import NOTHING, Hold
from sluice.accounting.demand import Demand
from sluice.accounting.windows import MINUTE
from sluice.errors import (
    OverloadedError,
)
from sluice.pipeline.settle import Settler
from sluice.stores.aws import AWSError, UnansweredError
from sluice.stores.counters import LEAD

DAY_SECONDS = 86_400.0

KEY = key_record("sk-admitted", id="key_admitted", rpm=100, tpm=10_000, tpd=100_000, budget_nano_usd=10_000)


@pytest.fixture
def books() -> Bookkeeping:
    return Bookkeeping()


# ── What it costs ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_key_seen_first_costs_a_read_and_a_write_and_then_a_write(books: Bookkeeping) -> None:
    assert await calls_of(books, admitted(books, KEY, "req_1")) == (READ, WRITE)
    assert await calls_of(books, admitted(books, KEY, "req_2")) == (WRITE,)
    cold = another(books).admit(KEY, demand(10), "req_3")
    assert await calls_of(books, cold) == (READ, WRITE)


@pytest.mark.parametrize("pause", [MINUTE.slot_seconds, 90.0, 4000.0, DAY_SECONDS, 40 * DAY_SECONDS])
@pytest.mark.parametrize("period", ["lifetime", "daily", "monthly"])
async def test_a_slot_and_a_period_that_begin_cost_nothing_more(
    books: Bookkeeping, pause: float, period: Any
) -> None:
    key = replace(KEY, budget_period=period)
    first = await admitted(books, key, "req_1")
    await books.settle(first, 10)
    await admitted(books, key, "req_2")  # what was settled was not told to who admits
    books.now += pause
    assert await calls_of(books, admitted(books, key, "req_3")) == (WRITE,)


async def test_who_is_told_of_what_was_settled_begins_a_slot_without_losing(books: Bookkeeping) -> None:
    settler = Settler(
        books.counters, books.ledger, books.reclaimer, clock=books.clock, note=books.admitter.note
    )
    await settler.release(await admitted(books, KEY, "req_1"))
    books.now += MINUTE.slot_seconds
    assert await calls_of(books, admitted(books, KEY, "req_2")) == (WRITE,)


@pytest.mark.parametrize("returns_failed_items", [True, False])
async def test_a_memory_that_is_behind_costs_a_write_that_fails_and_then_a_read_before_each_slot(
    books: Bookkeeping, returns_failed_items: bool
) -> None:
    books.database.returns_failed_items = returns_failed_items
    await admitted(books, KEY, "req_1")
    costs = []
    for number, overtaken in enumerate((True, True, False, False)):
        books.now += MINUTE.slot_seconds
        if overtaken:
            await another(books).admit(KEY, demand(10), f"req_other_{number}")
        costs.append(await calls_of(books, admitted(books, KEY, f"req_next_{number}")))
    lost = (WRITE, WRITE) if returns_failed_items else (WRITE, READ, WRITE)
    assert costs == [lost, (READ, WRITE), (READ, WRITE), (WRITE,)]


# ── Less than was asked for ─────────────────────────────────────────────────────────────────────────────────


async def test_less_than_was_asked_for_is_given_by_what_is_true_and_not_by_what_was(
    books: Bookkeeping,
) -> None:
    key = replace(KEY, budget_nano_usd=1000)
    first = await admitted(books, key, "req_1", 900)
    await books.settle(first, 10)
    wish = demand(10, output=500, adjustable=True)
    second = await books.admitter.admit(key, wish, "req_2")
    assert (second.fit.output_tokens, second.hold.amount) == (500, 510)
    third = await books.admitter.admit(key, wish, "req_3")
    assert (third.fit.output_tokens, third.hold.amount, third.counter.used) == (470, 480, 1000)


@pytest.mark.parametrize("wish", [demand(10, output=500, adjustable=True), demand(510)])
async def test_expired_holds_stand_in_nobodys_way(books: Bookkeeping, wish: Demand) -> None:
    key = replace(KEY, budget_nano_usd=1000)
    await admitted(books, key, "req_lost", 600)
    books.now += 961
    after = await books.admitter.admit(key, wish, "req_2")
    assert (after.hold.amount, after.counter.used, set(after.counter.holds)) == (510, 510, {"req_2"})
    row = await books.ledger.get(key.id, "req_lost")
    assert row is not None
    assert (row.status, row.cost, row.period) == ("lost", 0, "lifetime")


async def test_more_expired_holds_than_a_request_can_end_keep_nobody_waiting_who_takes_less(
    books: Bookkeeping,
) -> None:
    key = replace(KEY, budget_nano_usd=1000, rpm=1000)
    for number in range(200):
        await admitted(books, key, f"req_lost_{number}", 2)
    books.now += 961
    wish = demand(10, output=2000, adjustable=True)
    assert (await books.admitter.admit(key, wish, "req_1")).hold.amount >= 600


async def test_an_expired_hold_that_stands_in_no_way_is_left_to_others(books: Bookkeeping) -> None:
    await admitted(books, KEY, "req_lost")
    books.now += 961
    assert await calls_of(books, admitted(books, KEY, "req_2")) == (WRITE,)


# ── Losses ──────────────────────────────────────────────────────────────────────────────────────────────────


def lose_reply(books: Bookkeeping) -> None:
    """Have the next write made twice, as after a reply that was lost."""
    call = books.client.call

    async def twice(operation: str, **members: Any) -> dict[str, Any]:
        books.client.call = call  # type: ignore[method-assign] # the fake stumbles
        await call(operation, **members)
        return await call(operation, **members)

    async def at_write(operation: str, **members: Any) -> dict[str, Any]:
        return await (twice if operation == WRITE else call)(operation, **members)

    books.client.call = at_write  # type: ignore[method-assign] # the fake stumbles


@pytest.mark.parametrize("returns_failed_items", [True, False])
@pytest.mark.parametrize("warm", [True, False])
async def test_a_lost_reply_admits_once(books: Bookkeeping, warm: bool, returns_failed_items: bool) -> None:
    books.database.returns_failed_items = returns_failed_items
    if warm:
        await books.settler.release(await admitted(books, KEY, "req_0"))
    lose_reply(books)
    admission = await admitted(books, KEY, "req_1")
    counter = await books.counters.read(KEY.id)
    assert counter is not None
    assert admission.counter == counter
    assert counter.holds == {"req_1": admission.hold}
    assert (counter.used, counter.requests.total) == (10, 1 + warm)


@pytest.mark.parametrize("carried_out", [True, False])
async def test_an_admission_that_nobody_answers_is_given_back(books: Bookkeeping, carried_out: bool) -> None:
    first = await admitted(books, KEY, "req_1")

    async def fail() -> None:
        raise UnansweredError("busy", retry_after=1)

    (books.client.after if carried_out else books.client.before)[WRITE] = [fail]
    with pytest.raises(UnansweredError):
        await admitted(books, KEY, "req_2")
    counter = await books.counters.read(KEY.id)
    assert counter is not None
    assert (counter.used, set(counter.holds)) == (10, {first.request_id})
    assert counter.minute_tokens.total == 10


async def test_an_admission_that_can_neither_be_made_nor_given_back_is_told(books: Bookkeeping) -> None:
    await admitted(books, KEY, "req_1")
    books.client.faults = [UnansweredError("busy", retry_after=1), OverloadedError("busier", retry_after=2)]
    with pytest.raises(UnansweredError, match="busy"):
        await admitted(books, KEY, "req_2")


@pytest.mark.parametrize("fault", [OverloadedError("busy", retry_after=1), refused("it is too large")])
async def test_an_admission_that_was_not_carried_out_is_not_given_back(
    books: Bookkeeping, fault: Exception
) -> None:
    await admitted(books, KEY, "req_1")
    books.client.faults = [fault]
    books.client.calls.clear()
    with pytest.raises((OverloadedError, AWSError)):
        await admitted(books, KEY, "req_2")
    assert books.client.calls == [WRITE]


async def test_a_hold_of_an_earlier_decision_is_not_taken_for_this_one(books: Bookkeeping) -> None:
    """It was written late, when the decision had changed; by it the output limit would be no bound any more."""
    first = await admitted(books, KEY, "req_1")
    wish = demand(10, output=500, adjustable=True)

    async def put_old_hold() -> None:
        table, name = books.database.tables["CountersTable"], (LEAD + KEY.id,)
        item = table[name]
        holds = item["holds"]["M"] | {"req_2": {"S": f"26 26 {first.hold.expires_at} lifetime"}}
        used = str(int(item["used"]["N"]) + 26)
        totals = {
            member: {"N": str(int(item[member]["N"]) + 26)}
            for member in ("minute_tokens_total", "day_tokens_total")
        }
        table[name] = item | totals | {"holds": {"M": holds}, "used": {"N": used}}

    books.client.before[WRITE] = [put_old_hold]
    admission = await books.admitter.admit(KEY, wish, "req_2")
    assert (admission.hold.amount, admission.fit.amount, admission.counter.used) == (510, 510, 520)
    assert set(admission.counter.holds) == {"req_1", "req_2"}


async def test_each_write_of_an_admission_has_an_expiry_of_its_own(books: Bookkeeping) -> None:
    await admitted(books, KEY, "req_1")
    books.now += MINUTE.slot_seconds
    other = another(books)

    async def overtake() -> None:
        await other.admit(KEY, demand(10), "req_other")

    books.client.before[WRITE] = [overtake]
    clock_back = books.now - 5

    async def set_clock_back() -> None:
        books.now = clock_back

    books.client.after[READ] = [set_clock_back]
    start = books.now
    admission = await admitted(books, KEY, "req_2")
    assert admission.hold.expires_at == int(start) + 960 + 3


async def test_a_hold_lasts_as_long_as_is_asked_for(books: Bookkeeping) -> None:
    usual = await books.admitter.admit(KEY, demand(10), "req_1")
    long = await books.admitter.admit(KEY, demand(10), "req_2", 7_800)
    assert long.hold.expires_at - usual.hold.expires_at == 7_800 - 960
    assert long.counter.holds["req_2"] == long.hold


@pytest.mark.parametrize("restored", [True, False])
async def test_a_counter_that_was_lost_is_not_believed_to_be_there(
    books: Bookkeeping, restored: bool
) -> None:
    for number in range(3):
        await admitted(books, KEY, f"req_{number}")
    books.lose_counter(KEY)
    if restored:
        await books.counters.restore(
            KEY.id, period="lifetime", used=7, last_used_at=int(books.now), now=books.now
        )
    admission = await admitted(books, KEY, "req_after")
    assert admission.counter.used == 10 + 7 * restored
    for number in range(3):
        books.now += MINUTE.slot_seconds
        calls = await calls_of(books, admitted(books, KEY, f"req_later_{number}"))
    assert calls == (WRITE,)


async def test_what_is_told_of_an_old_counter_does_not_replace_a_later_one(books: Bookkeeping) -> None:
    old = (await admitted(books, KEY, "req_1")).counter
    new = (await admitted(books, KEY, "req_2")).counter
    books.admitter.note(KEY.id, old)
    books.admitter.note(KEY.id, None)
    assert await books.admitter.standing(KEY) == new
    assert await another(books).standing(KEY) == new


async def test_a_released_request_leaves_room_for_the_next(books: Bookkeeping) -> None:
    key = replace(KEY, budget_nano_usd=15, tpm=15, tpd=15)
    for number in range(5):
        admission = await admitted(books, key, f"req_{number}")
        assert admission.hold == Hold(10, 10, int(books.now) + 960, "lifetime")
        await books.counters.settle(key.id, admission.request_id, admission.hold, NOTHING)

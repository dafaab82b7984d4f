"""Keys' counters, on every engine: what requests do with them, and what operators do."""

import asyncio
import itertools
from typing import Any

import pytest

from engines import Engine
from fake_dynamodb import FakeClient, FakeDynamoDB
from sluice.accounting.admission import Taking, decide
from sluice.accounting.costs import Rates
from sluice.accounting.counter import NOTHING, Charge, Counter, Hold, Limits
from sluice.accounting.demand import Demand
from sluice.accounting.windows import DAY, MINUTE, Window, empty
from sluice.errors import OverloadedError
from sluice.stores.aws import AWS, UnansweredError
from sluice.stores.counters import BATCH, CounterStore, LostRaceError

NOW = 1_795_262_400
PERIOD = "2026-11"
names = (f"key_{number}" for number in itertools.count())


@pytest.fixture
def store(engine_aws: AWS) -> CounterStore:
    return CounterStore(engine_aws, "CountersTable")


@pytest.fixture
def key_id() -> str:
    return next(names)


async def made(store: CounterStore, key_id: str, used: int = 70, last_used_at: int = NOW) -> bool:
    return await store.restore(key_id, period=PERIOD, used=used, last_used_at=last_used_at, now=NOW + 60)


async def used(store: CounterStore, key_id: str) -> int:
    counter = await store.read(key_id)
    assert counter is not None
    return counter.used


# ── Requests ────────────────────────────────────────────────────────────────────────────────────────────────

LIMITS = Limits(rpm=3, tpm=100, tpd=200, budget=90, budget_period="daily")
DAY_1 = 1_795_305_600 - 12
"""Twelve seconds before midnight."""
DAY_NAMES = ("2026-11-21", "2026-11-22")
EXPIRES_AT = DAY_1 + 960
ONE_NANO_USD_A_TOKEN = Rates(1, 1, 1, 1, 1, 1)


def taking(seen: Counter | None, tokens: int, now: float, limits: Limits = LIMITS) -> Taking:
    """The decision on a request of so many tokens, at a nano-USD each."""
    demand = Demand(tokens, 1, 0, adjustable=False, rates=ONE_NANO_USD_A_TOKEN)
    found = decide(seen, limits, demand, now)
    assert isinstance(found, Taking)
    return found


def hold_of(found: Taking) -> Hold:
    return Hold(found.fit.amount, found.fit.tokens, EXPIRES_AT, found.period)


async def took(
    store: CounterStore, key_id: str, name: str, found: Taking, limits: Limits = LIMITS, now: float = DAY_1
) -> Counter:
    return await store.take(key_id, name, hold_of(found), found, limits, int(now))


def begin_period(engine: Engine, key_id: str, period: str) -> None:
    engine.botocore.update_item(
        TableName="CountersTable",
        Key={"id": {"S": f"key#{key_id}"}},
        UpdateExpression="SET #period = :next",
        ExpressionAttributeNames={"#period": "period"},
        ExpressionAttributeValues={":next": {"S": period}},
    )


async def stands(store: CounterStore, key_id: str) -> Counter:
    counter = await store.read(key_id)
    assert counter is not None
    return counter


async def test_the_first_admission_makes_the_counter(store: CounterStore, key_id: str) -> None:
    assert await store.read(key_id) is None
    found = taking(None, 30, DAY_1)
    counter = await took(store, key_id, "req_1", found)
    minute, day = MINUTE.slot_at(DAY_1), DAY.slot_at(DAY_1)
    assert counter == Counter(
        requests=Window(minute, 1, (), 1),
        minute_tokens=Window(minute, 0, (), 30),
        day_tokens=Window(day, 0, (), 30),
        period=DAY_NAMES[0],
        used=30,
        holds={"req_1": Hold(30, 30, EXPIRES_AT, DAY_NAMES[0])},
        last_used_at=DAY_1,
    )
    assert await store.read(key_id) == counter


async def test_of_first_admissions_at_once_one_makes_the_counter(store: CounterStore, key_id: str) -> None:
    found = taking(None, 1, DAY_1)
    done = await asyncio.gather(
        *(took(store, key_id, f"req_{number}", found) for number in range(10)), return_exceptions=True
    )
    (made_by,) = [each for each in done if isinstance(each, Counter)]
    lost = [each for each in done if isinstance(each, LostRaceError)]
    assert len(lost) == 9
    assert all(error.counter is not None for error in lost)
    assert await store.read(key_id) == made_by


async def test_what_a_request_takes_ends_in_what_it_used(store: CounterStore, key_id: str) -> None:
    first = await took(store, key_id, "req_1", taking(None, 30, DAY_1))
    second = await took(store, key_id, "req_2", taking(first, 40, DAY_1))
    assert (second.requests.total, second.minute_tokens.total, second.used) == (2, 70, 70)
    settled = await store.settle(key_id, "req_1", first.holds["req_1"], Charge(cost=11, tokens=12))
    assert settled == await store.read(key_id)
    minute, day = MINUTE.slot_at(DAY_1), DAY.slot_at(DAY_1)
    assert settled == Counter(
        requests=Window(minute, 2, (), 2),
        minute_tokens=Window(minute, 12, (), 52),
        day_tokens=Window(day, 12, (), 52),
        period=DAY_NAMES[0],
        used=51,
        holds={"req_2": second.holds["req_2"]},
        last_used_at=DAY_1,
    )
    released = await store.settle(key_id, "req_2", second.holds["req_2"], NOTHING)
    assert released is not None
    assert (released.requests.total, released.minute_tokens.total, released.used) == (2, 12, 11)
    assert released.holds == {}


@pytest.mark.parametrize("charge", [NOTHING, Charge(30, 30), Charge(0, 30), Charge(30, 0), Charge(45, 50)])
async def test_a_hold_ends_once(store: CounterStore, key_id: str, charge: Charge) -> None:
    counter = await took(store, key_id, "req_1", taking(None, 30, DAY_1))
    ended = await store.settle(key_id, "req_1", counter.holds["req_1"], charge)
    assert ended is not None
    assert (ended.used, ended.minute_tokens.total, ended.holds) == (charge.cost, charge.tokens, {})
    assert await store.settle(key_id, "req_1", counter.holds["req_1"], Charge(1, 1)) == ended
    assert await store.read(key_id) == ended


async def test_a_counter_that_is_not_there_holds_nothing(store: CounterStore, key_id: str) -> None:
    assert await store.settle(key_id, "req_1", Hold(1, 1, 1, "lifetime"), NOTHING) is None
    assert await store.read(key_id) is None


@pytest.mark.parametrize(
    ("limits", "tokens"),
    [
        (Limits(rpm=2, budget_period="daily"), 10),
        (Limits(tpm=70, budget_period="daily"), 40),
        (Limits(tpd=70, budget_period="daily"), 40),
        (Limits(budget=70, budget_period="daily"), 40),
    ],
)
async def test_a_write_rests_on_the_limits_as_they_are_then(
    store: CounterStore, key_id: str, limits: Limits, tokens: int
) -> None:
    """Both of two requests fit by what they have seen, but not both."""
    seen = await took(store, key_id, "req_1", taking(None, 30, DAY_1))
    found = taking(seen, tokens, DAY_1, limits)
    after = await took(store, key_id, "req_2", found, limits)
    with pytest.raises(LostRaceError) as caught:
        await took(store, key_id, "req_3", found, limits)
    assert caught.value.counter == after == await store.read(key_id)
    await store.settle(key_id, "req_2", after.holds["req_2"], NOTHING)
    if limits.rpm is None:
        assert "req_3" in (await took(store, key_id, "req_3", found, limits)).holds


async def test_a_new_slot_and_a_new_period_begin_with_the_first_write_that_knows_the_last(
    store: CounterStore, key_id: str
) -> None:
    seen = await took(store, key_id, "req_1", taking(None, 30, DAY_1))
    known = await store.settle(key_id, "req_1", seen.holds["req_1"], Charge(25, 25))
    assert known is not None
    with pytest.raises(LostRaceError) as caught:  # tokens were counted in the slot that ends
        await took(store, key_id, "req_2", taking(seen, 10, DAY_1 + 13))
    assert caught.value.counter == known
    found = taking(known, 10, DAY_1 + 13)
    begun = await took(store, key_id, "req_2", found)
    slot = MINUTE.slot_at(DAY_1 + 13)
    assert begun.requests == Window(slot, 1, (0, 0, 1), 2)
    assert begun.minute_tokens == Window(slot, 0, (0, 0, 25), 35)
    assert (begun.period, begun.used) == (DAY_NAMES[1], 10)
    with pytest.raises(LostRaceError):
        await took(store, key_id, "req_3", found)
    assert (await stands(store, key_id)) == begun


async def test_an_admission_is_of_the_period_that_was_seen(
    store: CounterStore, key_id: str, engine: Engine
) -> None:
    seen = await took(store, key_id, "req_1", taking(None, 30, DAY_1))
    begin_period(engine, key_id, DAY_NAMES[1])
    with pytest.raises(LostRaceError) as caught:
        await took(store, key_id, "req_2", taking(seen, 10, DAY_1))
    assert caught.value.counter is not None
    assert (caught.value.counter.period, caught.value.counter.used) == (DAY_NAMES[1], 30)


async def test_money_of_a_period_that_is_over_is_not_given_back(store: CounterStore, key_id: str) -> None:
    first = await took(store, key_id, "req_1", taking(None, 30, DAY_1))
    begun = await took(store, key_id, "req_2", taking(first, 20, DAY_1 + 13))
    assert begun.held == begun.used == 20
    after = await store.settle(key_id, "req_1", first.holds["req_1"], Charge(25, 25))
    assert after is not None
    assert (after.used, after.held, after.minute_tokens.total) == (20, 20, 45)


async def test_a_repeated_write_finds_its_own_hold(store: CounterStore, key_id: str) -> None:
    found = taking(None, 30, DAY_1)
    for seen in (found, taking(await took(store, key_id, "req_0", found), 30, DAY_1)):
        name = "req_0" if seen is found else "req_1"
        if seen is not found:
            await took(store, key_id, name, seen)
        with pytest.raises(LostRaceError) as caught:
            await took(store, key_id, name, seen)
        assert caught.value.counter is not None
        assert caught.value.counter.holds[name] == hold_of(seen)
    assert (await stands(store, key_id)).requests.total == 2


async def test_a_hold_of_another_attempt_is_given_back_and_not_charged(
    store: CounterStore, key_id: str
) -> None:
    counter = await took(store, key_id, "req_1", taking(None, 30, DAY_1))
    other = Hold(30, 30, EXPIRES_AT + 1, DAY_NAMES[0])
    assert counter.holds["req_1"] != other
    after = await store.settle(key_id, "req_1", other, Charge(25, 25))
    assert after is not None
    assert (after.used, after.minute_tokens.total, after.holds) == (0, 0, {})


@pytest.mark.parametrize(("amount", "covered"), [(89, True), (90, True), (91, False)])
async def test_a_hold_is_extended_as_far_as_the_budget_goes(
    store: CounterStore, key_id: str, amount: int, covered: bool
) -> None:
    counter = await took(store, key_id, "req_1", taking(None, 30, DAY_1))
    hold, extended = counter.holds["req_1"], Hold(amount, 30, EXPIRES_AT, DAY_NAMES[0])
    for _ in range(2):  # a second time as after a lost reply
        assert await store.extend(key_id, "req_1", hold, extended, LIMITS) is covered
    after = await stands(store, key_id)
    assert (after.used, after.holds["req_1"]) == ((amount, extended) if covered else (30, hold))
    ended = await store.settle(key_id, "req_1", hold, Charge(29, 29))  # by who has not seen it extended
    assert ended is not None
    assert (ended.used, ended.holds) == (29, {})
    assert not await store.extend(key_id, "req_1", hold, extended, LIMITS)


async def test_a_hold_of_a_period_that_is_over_is_not_extended(store: CounterStore, key_id: str) -> None:
    first = await took(store, key_id, "req_1", taking(None, 30, DAY_1))
    await took(store, key_id, "req_2", taking(first, 20, DAY_1 + 13))
    hold = first.holds["req_1"]
    assert not await store.extend(key_id, "req_1", hold, Hold(31, 30, EXPIRES_AT, hold.period), LIMITS)


async def test_all_counters_are_found_and_nothing_else(
    store: CounterStore, key_id: str, engine: Engine
) -> None:
    await made(store, key_id)
    engine.botocore.put_item(TableName="CountersTable", Item={"id": {"S": "ip#192.0.2.1"}})
    found = {name: counter async for name, counter in store.scan()}
    assert found[key_id] == await store.read(key_id)
    assert all(name.startswith("key_") for name in found)


async def test_each_attempt_to_admit_holds_a_second_longer_than_the_one_before() -> None:
    class Attempts(FakeClient):
        """Whose second attempt succeeds."""

        async def call_anew(self, operation: str, members_of: Any) -> dict[str, Any]:
            return await self.call(operation, **members_of(1))

    store = CounterStore(Attempts(FakeDynamoDB()).aws, "CountersTable")
    counter = await took(store, "key", "req_1", taking(None, 30, DAY_1))
    assert counter.holds["req_1"].expires_at == EXPIRES_AT + 1


@pytest.mark.parametrize("failure", [OverloadedError, UnansweredError])
async def test_a_write_that_cannot_see_why_it_failed_may_have_been_carried_out(
    failure: type[OverloadedError],
) -> None:
    client = FakeClient(FakeDynamoDB(returns_failed_items=False))
    store, found = CounterStore(client.aws, "CountersTable"), taking(None, 30, DAY_1)
    await took(store, "key", "req_1", found)
    client.faults = [None, failure("busy", retry_after=1)]
    with pytest.raises(UnansweredError):
        await took(store, "key", "req_1", found)


# ── Operators ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_lost_counter_is_written_with_nothing_but_what_is_used(
    store: CounterStore, key_id: str
) -> None:
    assert await made(store, key_id)
    counter = await store.read(key_id)
    assert counter is not None
    assert (counter.period, counter.used, counter.holds, counter.last_used_at) == (PERIOD, 70, {}, NOW)
    assert (counter.requests, counter.day_tokens) == (
        empty(MINUTE.slot_at(NOW + 60)),
        empty(DAY.slot_at(NOW + 60)),
    )
    assert counter.minute_tokens == counter.requests


async def test_a_counter_that_is_there_is_not_written_over(store: CounterStore, key_id: str) -> None:
    assert await made(store, key_id)
    assert not await made(store, key_id, used=0)
    assert await used(store, key_id) == 70


async def test_each_correction_rests_on_the_one_before(store: CounterStore, key_id: str) -> None:
    await made(store, key_id)
    for by, sum_then in ((5, 75), (-30, 45), (0, 45)):
        seen = await store.read(key_id)
        assert seen is not None
        assert await store.correct(key_id, seen, by)
        assert not await store.correct(key_id, seen, by)
        assert await used(store, key_id) == sum_then


async def test_of_corrections_at_once_one_is_made(store: CounterStore, key_id: str) -> None:
    await made(store, key_id)
    seen = await store.read(key_id)
    assert seen is not None
    done = await asyncio.gather(*(store.correct(key_id, seen, 1) for _ in range(10)))
    assert sum(done) == 1
    assert await used(store, key_id) == 71


async def test_a_correction_is_of_the_period_that_was_seen(
    store: CounterStore, key_id: str, engine: Engine
) -> None:
    await made(store, key_id)
    seen = await store.read(key_id)
    assert seen is not None
    begin_period(engine, key_id, "2026-12")
    assert not await store.correct(key_id, seen, 5)
    assert await used(store, key_id) == 70


async def test_a_counter_that_is_not_there_is_not_corrected(store: CounterStore, key_id: str) -> None:
    await made(store, key_id)
    seen = await store.read(key_id)
    assert seen is not None
    assert not await store.correct("key_none", seen, 5)
    assert await store.read("key_none") is None


async def test_last_uses_are_found_for_any_number_of_keys(store: CounterStore) -> None:
    key_ids = [f"key_used_{number}" for number in range(BATCH + 3)]
    await asyncio.gather(
        *(made(store, key_id, last_used_at=NOW + number) for number, key_id in enumerate(key_ids))
    )
    assert await store.last_used([*key_ids, "key_none", key_ids[0]]) == {
        key_id: NOW + number for number, key_id in enumerate(key_ids)
    }
    assert await store.last_used([]) == {}


async def test_what_is_left_for_later_is_asked_for_again(
    store: CounterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_ids = [next(names) for _ in range(5)]
    for key_id in key_ids:
        await made(store, key_id)
    call = store._dynamodb.call
    asked = []

    async def two_at_a_time(operation: str, **members: Any) -> dict[str, Any]:
        ((table, request),) = members["RequestItems"].items()
        keys = request["Keys"]
        asked.append(len(keys))
        reply = await call(operation, RequestItems={table: request | {"Keys": keys[:2]}})
        left = {table: request | {"Keys": keys[2:]}} if keys[2:] else {}
        return reply | {"UnprocessedKeys": left}

    monkeypatch.setattr(store._dynamodb, "call", two_at_a_time)
    assert await store.last_used(key_ids) == dict.fromkeys(key_ids, NOW)
    assert asked == [5, 3, 1]

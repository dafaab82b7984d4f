"""What operators do with keys' counters, on every engine."""

import asyncio
import itertools
from typing import Any

import pytest

from engines import Engine
from sluice.accounting.windows import DAY, MINUTE, empty
from sluice.stores.aws import AWS
from sluice.stores.counters import BATCH, CounterStore

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
    engine.botocore.update_item(
        TableName="CountersTable",
        Key={"id": {"S": f"key#{key_id}"}},
        UpdateExpression="SET #period = :next",
        ExpressionAttributeNames={"#period": "period"},
        ExpressionAttributeValues={":next": {"S": "2026-12"}},
    )
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

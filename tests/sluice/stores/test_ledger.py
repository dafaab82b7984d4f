"""The ledger: one row for each request, whoever writes it, on every engine."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from engines import Engine
from fake_dynamodb import FakeClient, FakeDynamoDB
from made_rows import ledger_row
from sluice.errors import OverloadedError
from sluice.request_ids import new_request_id
from sluice.stores.aws import AWS, ConditionFailedError
from sluice.stores.ledger import PORTION, LedgerStore

TABLE = "LedgerTable"
names = (f"key_ledger_{number}" for number in itertools.count())


@pytest.fixture
def store(engine_aws: AWS) -> LedgerStore:
    return LedgerStore(engine_aws, TABLE)


@pytest.fixture
def key_id() -> str:
    return next(names)


async def test_the_row_that_was_first_stands(store: LedgerStore, key_id: str) -> None:
    first = ledger_row("req_1", key_id=key_id, cost=7)
    assert await store.put(first) == first
    assert await store.put(replace(first, status="lost", cost=0)) == first
    assert await store.put(first) == first
    assert await store.get(key_id, "req_1") == first


async def test_of_many_at_once_one_row_stands_and_all_are_told_which(store: LedgerStore, key_id: str) -> None:
    rows = [ledger_row("req_1", key_id=key_id, cost=cost) for cost in range(20)]
    standing = await asyncio.gather(*map(store.put, rows))
    assert len(set(standing)) == 1
    assert await store.get(key_id, "req_1") == standing[0]


async def test_a_request_that_is_not_settled_has_no_row(store: LedgerStore, key_id: str) -> None:
    await store.put(ledger_row("req_1", key_id=key_id))
    assert await store.get(key_id, "req_2") is None
    assert await store.get(f"{key_id}_other", "req_1") is None


async def test_rows_come_by_key_and_oldest_first_however_many_pages_they_take(
    store: LedgerStore, engine: Engine, key_id: str
) -> None:
    other = next(names)
    large = "x" * 350_000  # four of them are more than the megabyte that one reply carries
    rows = [ledger_row(f"req_{number}", key_id=key_id, model=large) for number in range(5)]
    for row in reversed(rows):
        await store.put(row)
        await store.put(replace(row, key_id=other, model="m"))
    pages = engine.botocore.get_paginator("query").paginate(
        TableName=TABLE,
        KeyConditionExpression="key_id = :key",
        ExpressionAttributeValues={":key": {"S": key_id}},
    )
    assert len(list(pages)) > 1
    assert [row async for row in store.rows(key_id)] == rows


async def test_rows_of_a_time_are_those_whose_requests_came_in_then(store: LedgerStore, key_id: str) -> None:
    times = (99.999, 100.0, 100.001, 199.999, 200.0)
    rows = [ledger_row(new_request_id(at), key_id=key_id, settled_at=10**15) for at in times]
    for row in rows:
        await store.put(row)
    assert [row async for row in store.rows_between(key_id, 100, 200)] == rows[1:4]
    assert [row async for row in store.rows_between(key_id, 0, 10**10)] == rows
    assert [row async for row in store.rows_between(key_id, 201, 300)] == []
    assert [row async for row in store.rows_between(next(names), 0, 10**10)] == []


async def test_rows_of_a_time_come_however_many_portions_they_take(store: LedgerStore, key_id: str) -> None:
    rows = [ledger_row(new_request_id(at), key_id=key_id) for at in range(2 * PORTION + 1)]
    for batch in itertools.batched(rows, 10, strict=False):
        await asyncio.gather(*map(store.put, batch))
    assert [row async for row in store.rows_between(key_id, 0, 10**10)] == rows


async def test_the_mark_of_the_roll_up_makes_no_other_row_of_it(
    store: LedgerStore, engine: Engine, key_id: str
) -> None:
    row = ledger_row("req_1", key_id=key_id)
    await store.put(row)
    engine.botocore.update_item(
        TableName=TABLE,
        Key={"key_id": {"S": key_id}, "request_id": {"S": "req_1"}},
        UpdateExpression="SET rolled_up = :true",
        ExpressionAttributeValues={":true": {"BOOL": True}},
    )
    assert await store.put(replace(row, cost=0)) == row


@pytest.mark.parametrize("returns_failed_items", [True, False])
async def test_a_row_costs_one_write_and_one_that_was_there_may_cost_a_read(
    returns_failed_items: bool,
) -> None:
    client = FakeClient(FakeDynamoDB(returns_failed_items=returns_failed_items))
    store, row = LedgerStore(client.aws, TABLE), ledger_row("req_1")
    await store.put(row)
    assert client.calls == ["PutItem"]
    await store.put(replace(row, cost=0))
    assert client.calls[1:] == ["PutItem"] + ["GetItem"] * (not returns_failed_items)


async def test_a_table_that_is_busy_is_told() -> None:
    busy = OverloadedError("busy", retry_after=1)
    client = FakeClient(FakeDynamoDB(), faults=[busy, busy])
    store = LedgerStore(client.aws, TABLE)
    with pytest.raises(OverloadedError):
        await store.put(ledger_row("req_1"))
    with pytest.raises(OverloadedError):
        await store.get("key_a", "req_1")
    assert await store.get("key_a", "req_1") is None


async def test_a_row_that_vanishes_between_two_looks_is_no_row_that_stands() -> None:
    client = FakeClient(FakeDynamoDB(), faults=[ConditionFailedError({})])
    with pytest.raises(ConditionFailedError):
        await LedgerStore(client.aws, TABLE).put(ledger_row("req_1"))

"""The usage table: each ledger row is added once, whatever the stream, the network and the process do."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines import Engine
from made_rows import NOON, Sums, ledger_row, put_rows, sums_in, sums_of
from sluice.errors import OverloadedError
from sluice.stores import usage as module
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS, ConditionFailedError
from sluice.stores.ledger_rows import LedgerRow, MalformedRowError
from sluice.stores.usage import MAX_ACTIONS, MAX_PROVIDERS, PartlyAddedError, UsageStore, portions
from sluice.stores.usage_items import Totals, usage_key_of

DAY = 86_400_000
LEDGER, USAGE = "LedgerTable", "UsageTable"
FEW_ACTIONS = 5
"""So that a handful of rows takes several transactions."""

ON_MOTO = pytest.mark.parametrize("engine", ["moto"], indirect=True)
WITH_TRANSACTIONS = pytest.mark.parametrize("engine", ["moto", "dynamodb-local"], indirect=True)
"""dynalite has none."""


class DiedError(Exception):
    """The process is no more."""


@dataclass
class Fault:
    """What happens at the n-th call of a client: an error, before or after the call is carried out.

    With no error the reply is lost, and the call is made again.
    """

    call: int
    is_carried_out: bool
    error: type[Exception] | None


class FaultyClient:
    """A client whose calls go well until one does not."""

    def __init__(self, client: Any, fault: Fault | None) -> None:
        self._client = client
        self._fault = fault
        self.operations: list[str] = []

    async def call(self, operation: str, **members: Any) -> Any:
        self.operations.append(operation)
        if self._fault is None or len(self.operations) != self._fault.call:
            return await self._client.call(operation, **members)
        if self._fault.is_carried_out:
            await self._client.call(operation, **members)
        if self._fault.error is None:
            return await self._client.call(operation, **members)
        raise self._fault.error("it happens")


@dataclass(frozen=True)
class FaultyAWS:
    dynamodb: FaultyClient


def faulty(aws: AWS, fault: Fault | None) -> tuple[UsageStore, FaultyClient]:
    client = FaultyClient(aws.dynamodb, fault)
    return UsageStore(cast("AWS", FaultyAWS(client)), USAGE, LEDGER), client


async def marks(aws: AWS, rows: Iterable[LedgerRow]) -> dict[str, bool]:
    """The requests of the rows' keys, and whether each is marked."""
    found: dict[str, bool] = {}
    for key_id in {row.key_id for row in rows}:
        reply = await aws.dynamodb.call(
            "Query",
            TableName=LEDGER,
            ConsistentRead=True,
            KeyConditionExpression="key_id = :key",
            ExpressionAttributeValues={":key": {"S": key_id}},
        )
        found |= {item["request_id"]["S"]: "rolled_up" in item for item in reply["Items"]}
    return found


async def sums(aws: AWS, rows: Iterable[LedgerRow]) -> Sums:
    """What the table says of the rows' owners."""
    found: Sums = {}
    for owner in {row.owner for row in rows} - {""}:
        reply = await aws.dynamodb.call(
            "Query",
            TableName=USAGE,
            ConsistentRead=True,
            KeyConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":owner": {"S": owner}},
        )
        found |= sums_in(reply["Items"])
    return found


LOST: dict[str, Any] = {"status": "lost", "owner": "", "model": "", "cost": 0}


@st.composite
def ledgers(draw: st.DrawFn) -> list[LedgerRow]:
    number = st.integers(0, 3)
    rows = []
    for index in range(draw(st.integers(1, 9))):
        row = ledger_row(
            f"req_{index}",
            key_id=draw(st.sampled_from(["key_a", "key_b"])),
            settled_at=draw(st.sampled_from([NOON, NOON + DAY // 2 - 1, NOON + DAY // 2])),
            estimated=draw(st.booleans()),
            cached_tokens=draw(number),
            searches=draw(number),
            images=draw(number),
            seconds=draw(number),
            cache_write_tokens=draw(number),
            owner=draw(st.sampled_from(["ann", "bob"])),
            model=draw(st.sampled_from(["gpt-4o-mini", "a/b#c#d"])),
            cost=draw(number),
        )
        rows.append(replace(row, **LOST) if draw(st.integers(0, 3)) == 0 else row)
    return rows


FAULTS = st.none() | st.builds(
    Fault, st.integers(1, 6), st.booleans(), st.sampled_from([DiedError, OverloadedError, None])
)
INDEXES = st.lists(st.integers(0, 8), min_size=1, max_size=12)
DELIVERIES = st.lists(st.lists(st.tuples(INDEXES, FAULTS), min_size=1, max_size=3), max_size=4)
"""One after the other, lists of deliveries at the same time: which rows, in which order, how often, and what fails."""


def made_own(rows: Iterable[LedgerRow], own: str) -> list[LedgerRow]:
    """The same rows, of keys and owners that no other test has."""
    return [
        replace(row, key_id=f"{row.key_id}_{own}", owner=row.owner and f"{row.owner}_{own}") for row in rows
    ]


async def check(endpoint: Endpoint, rows: Sequence[LedgerRow], deliveries: Any) -> None:
    with closing(AWS(endpoint)) as aws:
        await put_rows(aws, rows)
        for at_once in deliveries:
            attempts = [
                faulty(aws, fault)[0].add([rows[index % len(rows)] for index in indexes])
                for indexes, fault in at_once
            ]
            for outcome in await asyncio.gather(*attempts, return_exceptions=True):
                assert outcome is None or isinstance(outcome, DiedError | PartlyAddedError)
            marked = await marks(aws, rows)
            assert await sums(aws, rows) == sums_of(row for row in rows if marked[row.request_id])
        await UsageStore(aws, USAGE, LEDGER).add(rows)
        assert await sums(aws, rows) == sums_of(rows)
        assert all((await marks(aws, rows)).values())


@ON_MOTO
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=ledgers(), deliveries=DELIVERIES)
def test_rows_are_added_once_however_often_and_in_whatever_order_they_are_delivered(
    engine: Engine, rows: list[LedgerRow], deliveries: Any
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_ACTIONS", FEW_ACTIONS)
        asyncio.run(check(engine.endpoint, made_own(rows, uuid4().hex), deliveries))


@given(rows=ledgers(), most=st.integers(2, 12))
def test_portions_hold_every_row_once_and_fit_a_transaction(rows: list[LedgerRow], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_ACTIONS", most)
        found = list(portions(rows))
    assert sorted(row.request_id for portion in found for row in portion) == [row.request_id for row in rows]
    for portion in found:
        assert 1 <= len(portion) + len(sums_of(portion)) <= most


@pytest.fixture
def own() -> str:
    """Makes keys and owners that no other test has."""
    return uuid4().hex


def rows_of(own: str, count: int) -> list[LedgerRow]:
    return made_own([ledger_row(f"req_{number:03}") for number in range(count)], own)


@WITH_TRANSACTIONS
async def test_several_processes_that_get_all_of_a_long_ledger_add_each_row_once(
    engine: Engine, engine_aws: AWS, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.name == "dynamodb-local":
        monkeypatch.setattr(module, "MAX_ACTIONS", 10)  # the limit when that version was made
    keys = [f"key_{number}" for number in range(3)]
    rows = made_own(
        [
            ledger_row(f"req_{number}", key_id=keys[number % 3], cost=number)
            for number in range(2 * MAX_ACTIONS + 20)
        ],
        own,
    )
    await put_rows(engine_aws, rows)

    async def deliver(seed: int) -> None:
        order = random.Random(seed).sample(rows, len(rows))
        with closing(AWS(engine.endpoint)) as aws:
            for start in range(0, len(order), 70):
                left: Sequence[LedgerRow] = order[start : start + 70]
                while left:
                    try:
                        await UsageStore(aws, USAGE, LEDGER).add(left)
                        left = []
                    except PartlyAddedError as error:
                        left = error.left

    await asyncio.gather(*map(deliver, range(4)))
    assert await sums(engine_aws, rows) == sums_of(rows)


@WITH_TRANSACTIONS
async def test_a_reply_that_is_lost_is_no_reason_to_add_twice(engine_aws: AWS, own: str) -> None:
    rows = rows_of(own, 3)
    await put_rows(engine_aws, rows)
    store, client = faulty(engine_aws, Fault(1, is_carried_out=True, error=None))
    await store.add(rows)
    (usage,) = await store.read(rows[0].owner)
    assert client.operations == ["TransactWriteItems", "BatchGetItem", "Query"]
    assert (usage.totals.requests, usage.totals.cost) == (3, 21)


@ON_MOTO
async def test_what_each_provider_has_of_a_sum_is_read_again(engine_aws: AWS, own: str) -> None:
    rows = [replace(row, provider=f"p{number % 40}") for number, row in enumerate(rows_of(own, 80))]
    await put_rows(engine_aws, rows)
    assert max(len({row.provider for row in portion}) for portion in portions(rows)) == MAX_PROVIDERS
    store, _ = faulty(engine_aws, None)
    await store.add(rows)
    (usage,) = await store.read(rows[0].owner, rows[0].key_id)
    assert {name: part.requests for name, part in usage.providers.items()} == {
        f"p{number}": 2 for number in range(40)
    }
    assert usage.rest == Totals()


@WITH_TRANSACTIONS
async def test_a_sum_of_as_many_providers_as_can_be_is_not_too_long(engine_aws: AWS, own: str) -> None:
    full = dict.fromkeys(
        ("cached_tokens", "cache_write_tokens", "reasoning_tokens", "searches", "images", "seconds"), 1
    )
    rows = made_own(
        [
            ledger_row(f"r{number}", provider=f"p{number}", estimated=True, **full)
            for number in range(MAX_PROVIDERS)
        ],
        own,
    )
    key = usage_key_of(rows[0])
    assert key is not None
    store, client = faulty(engine_aws, None)
    await client.call("UpdateItem", **store._sum(key, rows).get("Update", {}))
    (usage,) = await store.read(rows[0].owner, rows[0].key_id)
    assert len(usage.providers) == MAX_PROVIDERS
    assert usage.rest == Totals()


@ON_MOTO
async def test_rows_of_one_sum_take_one_call(engine_aws: AWS, own: str) -> None:
    rows = rows_of(own, MAX_ACTIONS - 1)
    await put_rows(engine_aws, rows)
    store, client = faulty(engine_aws, None)
    await store.add([*rows, *rows])
    assert client.operations == ["TransactWriteItems"]


@ON_MOTO
async def test_what_is_left_is_told(engine_aws: AWS, own: str) -> None:
    rows = rows_of(own, 2 * MAX_ACTIONS)
    await put_rows(engine_aws, rows)
    store, _ = faulty(engine_aws, Fault(2, is_carried_out=False, error=OverloadedError))
    with pytest.raises(PartlyAddedError) as raised:
        await store.add(rows)
    assert raised.value.left == rows[MAX_ACTIONS - 1 :]


@ON_MOTO
async def test_a_row_that_is_gone_is_not_counted_and_stops_no_other(engine_aws: AWS, own: str) -> None:
    gone, there = rows_of(own, 2)
    await put_rows(engine_aws, [there])
    await UsageStore(engine_aws, USAGE, LEDGER).add([gone, there])
    assert await sums(engine_aws, [there]) == sums_of([there])
    assert await marks(engine_aws, [there]) == {there.request_id: True}


@ON_MOTO
async def test_a_condition_that_fails_for_no_reason_is_not_tried_for_ever(engine_aws: AWS, own: str) -> None:
    rows = rows_of(own, 1)
    await put_rows(engine_aws, rows)
    store, client = faulty(engine_aws, Fault(1, is_carried_out=False, error=ConditionFailedError))
    with pytest.raises(ConditionFailedError):
        await store.add(rows)
    assert client.operations == ["TransactWriteItems", "BatchGetItem"]


@ON_MOTO
@pytest.mark.parametrize("members", [{"owner": ""}, {"settled_at": 10**30}, {"settled_at": 10**17}])
async def test_a_row_that_belongs_to_no_sum_is_refused_before_anything_is_done(
    engine_aws: AWS, own: str, members: dict[str, Any]
) -> None:
    store, client = faulty(engine_aws, None)
    with pytest.raises(MalformedRowError):
        await store.add([*rows_of(own, 1), ledger_row("req_1", **members)])
    assert client.operations == []


@ON_MOTO
async def test_usage_is_read_by_owner_key_and_time(engine: Engine, engine_aws: AWS) -> None:
    for table in (LEDGER, USAGE):
        engine.empty(table)
    rows = [
        ledger_row(f"{owner} {key} {day}", owner=owner, key_id=f"key_{key}", settled_at=NOON + day * DAY)
        for owner, key in (("ann", "a"), ("ann", "b"), ("bob", "c"))
        for day in range(3)
    ]
    await put_rows(engine_aws, rows)
    store = UsageStore(engine_aws, USAGE, LEDGER)
    await store.add(rows)

    async def read(**members: Any) -> list[str]:
        return [
            f"{found.key.owner} {found.key.key_id[4:]} {found.key.day[-2:]}"
            for found in await store.read(**members)
        ]

    assert await read() == [
        *("ann a 21", "ann b 21", "ann a 22", "ann b 22", "ann a 23", "ann b 23"),
        *("bob c 21", "bob c 22", "bob c 23"),
    ]
    assert await read(owner="bob") == ["bob c 21", "bob c 22", "bob c 23"]
    assert await read(owner="nobody") == []
    assert await read(key_id="key_b") == ["ann b 21", "ann b 22", "ann b 23"]
    assert await read(owner="ann", key_id="key_c") == []
    second = date(2026, 11, 22)
    assert await read(owner="ann", key_id="key_a", since=second) == ["ann a 22", "ann a 23"]
    assert await read(owner="bob", until=second) == ["bob c 21", "bob c 22"]
    assert await read(since=second, until=second) == ["ann a 22", "ann b 22", "bob c 22"]


@ON_MOTO
async def test_usage_is_read_over_all_pages(
    engine: Engine, engine_aws: AWS, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.empty(USAGE)
    rows = [replace(row, model=f"m{number}") for number, row in enumerate(rows_of(own, 5))]
    await put_rows(engine_aws, rows)
    store = UsageStore(engine_aws, USAGE, LEDGER)
    await store.add(rows)
    call = engine_aws.dynamodb.call
    monkeypatch.setattr(
        engine_aws.dynamodb, "call", lambda operation, **members: call(operation, Limit=2, **members)
    )
    for owner in (rows[0].owner, None):
        assert [usage.key.model for usage in await store.read(owner)] == [row.model for row in rows]

"""What a table has lost comes back from a copy, and nothing else changes, on every engine."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from engines import ACTIVE_POLL, Engine
from key_records import key_record
from made_rows import ledger_row
from sluice.stores.aws import AWS, AWSError
from sluice.stores.key_records import MalformedItemError, item_of
from sluice.stores.ledger_rows import ROLLED_UP, MalformedRowError
from sluice.stores.ledger_rows import item_of as row_item_of
from sluice.stores.merging import AT_ONCE, Merged, Merger

LEDGER, KEYS, COPY = "LedgerTable", "KeysTable", "restored"
MANY = 2 * AT_ONCE + 1
numbers = itertools.count()


@pytest.fixture
def ledger(engine: Engine) -> None:
    engine.empty(LEDGER)


@pytest.fixture
def copy(engine: Engine) -> Iterator[str]:
    """An empty copy of the ledger."""
    yield from copy_with(engine, key_id="HASH", request_id="RANGE")


@pytest.fixture
def keys_copy(engine: Engine) -> Iterator[str]:
    """An empty copy of the keys table."""
    yield from copy_with(engine, digest="HASH")


def copy_with(engine: Engine, **schema: str) -> Iterator[str]:
    name = f"{COPY}-{next(numbers)}"
    engine.botocore.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in schema],
        KeySchema=[{"AttributeName": each, "KeyType": kind} for each, kind in schema.items()],
    )
    engine.botocore.get_waiter("table_exists").wait(TableName=name, WaiterConfig=ACTIVE_POLL)
    yield name
    engine.botocore.delete_table(TableName=name)


def put(engine: Engine, table: str, *items: Any) -> None:
    for item in items:
        engine.botocore.put_item(TableName=table, Item=item)


def identities(items: list[Any]) -> list[tuple[str, str, str]]:
    return sorted((item["key_id"]["S"], item["request_id"]["S"], item["cost"]["N"]) for item in items)


@pytest.mark.usefixtures("ledger")
async def test_what_is_missing_is_written_as_it_was_and_what_is_there_stays(
    engine: Engine, engine_aws: AWS, copy: str
) -> None:
    rows = [row_item_of(ledger_row(f"req_{number}", cost=1)) for number in range(MANY)]
    marked = rows[0] | {ROLLED_UP: {"BOOL": True}}
    put(engine, copy, marked, *rows[1:])
    newer, later = row_item_of(ledger_row("req_1", cost=2)), row_item_of(ledger_row("req_later", cost=3))
    put(engine, LEDGER, newer, later)
    merger = Merger(engine_aws, "ledger", LEDGER)
    assert await merger.merge(copy) == Merged(MANY, MANY - 1)
    assert identities(engine.items(LEDGER)) == identities([marked, newer, *rows[2:], later])
    assert [item for item in engine.items(LEDGER) if ROLLED_UP in item] == [marked]
    assert await merger.merge(copy) == Merged(MANY, 0)
    assert len(engine.items(copy)) == MANY


@pytest.mark.usefixtures("ledger")
async def test_only_one_keys_rows_are_brought_back_if_that_is_asked_for(
    engine: Engine, engine_aws: AWS, copy: str
) -> None:
    wanted = row_item_of(ledger_row("req_1", key_id="key_b"))
    put(engine, copy, row_item_of(ledger_row("req_1")), wanted)
    assert await Merger(engine_aws, "ledger", LEDGER).merge(copy, "key_b") == Merged(1, 1)
    assert engine.items(LEDGER) == [wanted]


@pytest.mark.usefixtures("ledger")
async def test_rows_are_added_up_anew_if_that_is_asked_for(
    engine: Engine, engine_aws: AWS, copy: str
) -> None:
    row = row_item_of(ledger_row("req_1"))
    put(engine, copy, row | {ROLLED_UP: {"BOOL": True}})
    assert await Merger(engine_aws, "ledger", LEDGER).merge(copy, recount=True) == Merged(1, 1)
    assert engine.items(LEDGER) == [row]


@pytest.mark.usefixtures("ledger")
async def test_a_copy_of_another_table_is_refused(engine: Engine, engine_aws: AWS, copy: str) -> None:
    put(engine, copy, row_item_of(ledger_row("req_1")) | {"other": {"S": "x"}})
    with pytest.raises(MalformedRowError):
        await Merger(engine_aws, "ledger", LEDGER).merge(copy)
    with pytest.raises(MalformedItemError):
        await Merger(engine_aws, "keys", KEYS).merge(copy)
    with pytest.raises(AWSError, match="ResourceNotFound"):
        await Merger(engine_aws, "ledger", LEDGER).merge("none")
    assert engine.items(LEDGER) == []


async def test_a_revoked_key_is_not_brought_back_to_life(
    engine: Engine, engine_aws: AWS, keys_copy: str
) -> None:
    engine.empty(KEYS)
    live, dead = (
        key_record("sk-1", id="key_merged", active=active, budget_nano_usd=5) for active in (True, False)
    )
    other = key_record("sk-2", id="key_lost")
    put(engine, KEYS, item_of(dead))
    put(engine, keys_copy, item_of(live), item_of(other))
    assert await Merger(engine_aws, "keys", KEYS).merge(keys_copy) == Merged(2, 1)
    found = {item["id"]["S"]: item for item in engine.items(KEYS)}
    assert found == {"key_merged": item_of(dead), "key_lost": item_of(other)}
    engine.empty(KEYS)

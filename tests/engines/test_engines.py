"""What the stores ask of DynamoDB, asked of each engine in the way the stores ask.

They agree, but for one thing: only moto returns the item of a failed condition, as AWS does. From the two others the
error comes without it, and a store has to read once more. What no test can have from one or the other is in
``support/engines.py``.
"""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack, closing
from typing import Any
from uuid import uuid4

import pytest

from engines import Engine
from local_stack import blueprint
from made_settings import TABLES
from sluice.stores.aws import AWS, ConditionFailedError, Item

COUNTERS = "CountersTable"
LEDGER = "LedgerTable"
KEYS = "KeysTable"

BUDGET, PRICE, BUYERS, CLIENTS = 100, 3, 50, 5
TWENTY_DIGITS = 12345678901234567890
A_HOLD = {"L": [{"N": "7"}, {"N": "9"}, {"S": "2026-11"}]}


@pytest.fixture
def key() -> Item:
    """The key of a counter that no other test has."""
    return {"id": {"S": uuid4().hex}}


async def put(aws: AWS, item: Item) -> None:
    await aws.dynamodb.call("PutItem", TableName=COUNTERS, Item=item)


async def get(aws: AWS, key: Item) -> Item:
    reply = await aws.dynamodb.call("GetItem", TableName=COUNTERS, Key=key, ConsistentRead=True)
    found: Item = reply.get("Item", {})
    return found


async def update(aws: AWS, key: Item, expression: str, condition: str, **members: Any) -> Item:
    """A conditional update; the item as it then is."""
    reply = await aws.dynamodb.call(
        "UpdateItem",
        TableName=COUNTERS,
        Key=key,
        UpdateExpression=expression,
        ConditionExpression=condition,
        ReturnValues="ALL_NEW",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
        **members,
    )
    found: Item = reply["Attributes"]
    return found


def test_an_engine_has_the_tables_of_the_template(engine: Engine) -> None:
    tables = engine.botocore.list_tables()["TableNames"]
    resources = blueprint().stack["Resources"]
    assert sorted(tables) == sorted(
        name for name, resource in resources.items() if resource["Type"] == "AWS::DynamoDB::Table"
    )
    assert set(TABLES.values()) <= set(tables)
    streamed = engine.botocore.describe_table(TableName=LEDGER)["Table"].get("StreamSpecification", {})
    assert streamed.get("StreamEnabled", False) is (engine.name != "dynalite")


def test_an_emptied_table_is_empty(engine: Engine) -> None:
    for number in range(3):
        row = {"key_id": {"S": "emptied"}, "request_id": {"S": str(number)}}
        engine.botocore.put_item(TableName=LEDGER, Item=row)
    assert len(engine.items(LEDGER)) >= 3
    engine.empty(LEDGER)
    assert engine.items(LEDGER) == []


async def test_an_item_is_put_once_and_got_as_it_was_put(engine: Engine, engine_aws: AWS, key: Item) -> None:
    item = key | {"status": {"S": "complete"}, "estimated": {"BOOL": True}, "holds": {"M": {}}}
    once: Mapping[str, Any] = {
        "TableName": COUNTERS,
        "ConditionExpression": "attribute_not_exists(id)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    assert await get(engine_aws, key) == {}
    await engine_aws.dynamodb.call("PutItem", Item=item, **once)
    assert await get(engine_aws, key) == item
    with pytest.raises(ConditionFailedError) as failure:
        await engine_aws.dynamodb.call("PutItem", Item=key | {"status": {"S": "another"}}, **once)
    assert failure.value.item == (item if engine.returns_failed_items else {})
    assert await get(engine_aws, key) == item


async def test_a_failed_update_changes_nothing(engine: Engine, engine_aws: AWS, key: Item) -> None:
    item = key | {"used": {"N": "5"}}
    await put(engine_aws, item)
    values = {":more": {"N": "1"}, ":room": {"N": "4"}}
    with pytest.raises(ConditionFailedError) as failure:
        await update(
            engine_aws, key, "SET used = used + :more", "used <= :room", ExpressionAttributeValues=values
        )
    assert failure.value.item == (item if engine.returns_failed_items else {})
    assert await get(engine_aws, key) == item


async def test_a_failed_update_makes_no_item(engine_aws: AWS, key: Item) -> None:
    with pytest.raises(ConditionFailedError) as failure:
        await update(
            engine_aws,
            key,
            "SET used = :n",
            "attribute_exists(id)",
            ExpressionAttributeValues={":n": {"N": "1"}},
        )
    assert failure.value.item == {}
    assert await get(engine_aws, key) == {}


async def test_a_query_gives_a_keys_rows_in_order_and_page_by_page(engine_aws: AWS) -> None:
    key_id = uuid4().hex
    rows = [{"key_id": {"S": key_id}, "request_id": {"S": f"req_{number}"}} for number in range(5)]
    others = {"key_id": {"S": uuid4().hex}, "request_id": {"S": "req_2"}}
    for row in (others, *reversed(rows)):
        await engine_aws.dynamodb.call("PutItem", TableName=LEDGER, Item=row)
    found: list[Item] = []
    start: dict[str, Any] = {}
    while True:
        reply = await engine_aws.dynamodb.call(
            "Query",
            TableName=LEDGER,
            ConsistentRead=True,
            KeyConditionExpression="key_id = :key",
            ExpressionAttributeValues={":key": {"S": key_id}},
            Limit=2,
            **start,
        )
        assert len(reply["Items"]) <= 2
        found += reply["Items"]
        if "LastEvaluatedKey" not in reply:
            break
        start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}
    assert found == rows


async def test_an_index_is_queried(engine_aws: AWS) -> None:
    owner = uuid4().hex
    records = [
        {
            "digest": {"S": uuid4().hex},
            "id": {"S": uuid4().hex},
            "owner": {"S": owner},
            "created_at": {"N": str(at)},
        }
        for at in (3, 1, 2)
    ]
    for record in records:
        await engine_aws.dynamodb.call("PutItem", TableName=KEYS, Item=record)
    reply = await engine_aws.dynamodb.call(
        "Query",
        TableName=KEYS,
        IndexName="by_owner",
        KeyConditionExpression="#owner = :owner",
        ExpressionAttributeNames={"#owner": "owner"},
        ExpressionAttributeValues={":owner": {"S": owner}},
    )
    assert reply["Items"] == [records[1], records[2], records[0]]


async def test_an_entry_of_a_map_is_set_once_and_removed_once(engine_aws: AWS, key: Item) -> None:
    await put(engine_aws, key | {"used": {"N": "0"}, "holds": {"M": {}}})
    hold: Mapping[str, Any] = {
        "expression": "SET holds.#id = :l, used = used + :cost",
        "condition": "attribute_not_exists(holds.#id)",
        "ExpressionAttributeNames": {"#id": "req-1.with.dots"},
        "ExpressionAttributeValues": {":l": A_HOLD, ":cost": {"N": "7"}},
    }
    held = await update(engine_aws, key, **hold)
    assert held == key | {"used": {"N": "7"}, "holds": {"M": {"req-1.with.dots": A_HOLD}}}
    with pytest.raises(ConditionFailedError):
        await update(engine_aws, key, **hold)

    settle: Mapping[str, Any] = {
        "expression": "SET used = used + :surplus REMOVE holds.#id",
        "condition": "holds.#id[0] = :cost AND holds.#id[2] = :period",
        "ExpressionAttributeNames": {"#id": "req-1.with.dots"},
        "ExpressionAttributeValues": {
            ":cost": {"N": "7"},
            ":period": {"S": "2026-11"},
            ":surplus": {"N": "-4"},
        },
    }
    settled = await update(engine_aws, key, **settle)
    assert settled == key | {"used": {"N": "3"}, "holds": {"M": {}}}
    with pytest.raises(ConditionFailedError):
        await update(engine_aws, key, **settle)
    assert await get(engine_aws, key) == settled


async def test_numbers_of_twenty_digits_are_exact(engine_aws: AWS, key: Item) -> None:
    await put(engine_aws, key | {"used": {"N": str(TWENTY_DIGITS)}})
    values = {":one": {"N": "1"}, ":room": {"N": str(TWENTY_DIGITS)}}
    after = await update(
        engine_aws, key, "SET used = used + :one", "used <= :room", ExpressionAttributeValues=values
    )
    assert after["used"] == {"N": str(TWENTY_DIGITS + 1)}
    with pytest.raises(ConditionFailedError):
        await update(
            engine_aws, key, "SET used = used + :one", "used <= :room", ExpressionAttributeValues=values
        )


async def test_of_concurrent_withdrawals_exactly_those_succeed_that_fit(
    engine: Engine, engine_aws: AWS, key: Item
) -> None:
    await put(engine_aws, key | {"left": {"N": str(BUDGET)}})

    async def withdraw(aws: AWS) -> int | None:
        """What is left, None where it was too little."""
        try:
            after = await update(
                aws,
                key,
                "SET #left = #left - :price",
                "#left >= :price",
                ExpressionAttributeNames={"#left": "left"},
                ExpressionAttributeValues={":price": {"N": str(PRICE)}},
            )
        except ConditionFailedError:
            return None
        return int(after["left"]["N"])

    with ExitStack() as stack:
        clients = [stack.enter_context(closing(AWS(engine.endpoint))) for _ in range(CLIENTS)]
        left = await asyncio.gather(*(withdraw(clients[number % CLIENTS]) for number in range(BUYERS)))

    fits, rest = divmod(BUDGET, PRICE)
    succeeded = [amount for amount in left if amount is not None]
    assert sorted(succeeded) == [rest + PRICE * number for number in range(fits)]
    assert await get(engine_aws, key) == key | {"left": {"N": str(rest)}}

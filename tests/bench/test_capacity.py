"""The units that the figures rest on are those that DynamoDB would charge."""

import uuid
from typing import Any

import pytest
from tests.bench.capacity import MeteredClient, item_bytes, reached, reported, traced, write_units

from engines import Engine
from sluice.stores.aws import AWS, ConditionFailedError

TABLE = "CountersTable"
TELLING = ["dynalite", "dynamodb-local"]
"""Engines that tell capacity as AWS does; moto says 0.5 for a write."""

VALUES: list[dict[str, Any]] = [
    {"S": "text"},
    {"N": "0"},
    {"N": "7"},
    {"N": "-5"},
    {"N": "1200"},
    {"N": "123456789012"},
    {"B": "AAAA"},
    {"BOOL": True},
    {"NULL": True},
    {"L": []},
    {"L": [{"N": "1"}, {"S": "two"}]},
    {"M": {}},
    {"M": {"req_1": {"S": "100 20 1795219200 2026-11"}, "req_2": {"M": {"n": {"N": "3"}}}}},
]


def named() -> str:
    return f"bench-{uuid.uuid4().hex}"


def item_of(size: int, **attributes: Any) -> dict[str, Any]:
    """An item of so many bytes, with these attributes."""
    item = {"id": {"S": named()}, "filler": {"S": ""}, **attributes}
    return item | {"filler": {"S": "x" * (size - item_bytes(item))}}


@pytest.mark.parametrize("engine", TELLING, indirect=True)
@pytest.mark.parametrize("value", VALUES, ids=str)
@pytest.mark.parametrize(("size", "units"), [(1024, 1), (1025, 2)])
async def test_the_size_of_an_item_is_the_engines(
    engine_aws: AWS, value: dict[str, Any], size: int, units: int
) -> None:
    item = item_of(size, value=value)
    assert item_bytes(item) == size
    assert write_units(size) == units
    reply = await engine_aws.dynamodb.call(
        "PutItem", TableName=TABLE, Item=item, ReturnConsumedCapacity="TOTAL"
    )
    assert reported(reply["ConsumedCapacity"]) == {TABLE: units}


@pytest.mark.parametrize("engine", TELLING, indirect=True)
async def test_each_call_is_taken_down_with_its_stage_and_its_units(engine_aws: AWS) -> None:
    client = MeteredClient(engine_aws.dynamodb)
    item = item_of(5000)
    with traced() as trace:
        await client.call("PutItem", TableName=TABLE, Item=item)
        reached("after")
        await client.call("GetItem", TableName=TABLE, Key={"id": item["id"]}, ConsistentRead=True)
        keys = {TABLE: {"Keys": [{"id": item["id"]}], "ConsistentRead": True}}
        await client.call("BatchGetItem", RequestItems=keys)
    assert [(call.operation, call.stage, call.units) for call in trace.calls] == [
        ("PutItem", "before", {TABLE: 5}),
        ("GetItem", "after", {TABLE: 2}),
        ("BatchGetItem", "after", {TABLE: 2}),
    ]
    assert (trace.units(writes=True), trace.units(writes=False)) == (5, 4)
    assert (trace.count(writes=True, stage="after"), trace.count(writes=False)) == (0, 2)


async def test_what_is_not_traced_is_not_taken_down(engine_aws: AWS) -> None:
    client = MeteredClient(engine_aws.dynamodb)
    with traced() as trace:
        pass
    await client.call("PutItem", TableName=TABLE, Item=item_of(100))
    assert trace.calls == []


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
@pytest.mark.parametrize("asked", [True, False])
async def test_a_write_whose_condition_fails_costs_as_much_and_gives_its_item_back(
    engine_aws: AWS, operation: str, *, asked: bool
) -> None:
    client = MeteredClient(engine_aws.dynamodb)
    item = item_of(2000)
    await client.call("PutItem", TableName=TABLE, Item=item)
    members: dict[str, Any] = {"TableName": TABLE, "ConditionExpression": "attribute_not_exists(id)"}
    if operation == "PutItem":
        members |= {"Item": {"id": item["id"]}}
    else:
        members |= {"Key": {"id": item["id"]}, "UpdateExpression": "REMOVE filler"}
    if asked:
        members |= {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    with traced() as trace, pytest.raises(ConditionFailedError) as caught:
        await client.call(operation, **members)
    assert caught.value.item == (item if asked else {})
    (call,) = trace.calls
    assert (call.operation, call.failed, call.units) == (operation, True, {TABLE: 2})


async def test_a_failed_put_of_a_larger_item_costs_what_that_one_would(engine_aws: AWS) -> None:
    client = MeteredClient(engine_aws.dynamodb)
    item = item_of(100)
    await client.call("PutItem", TableName=TABLE, Item=item)
    larger = item_of(3000) | {"id": item["id"]}
    with traced() as trace, pytest.raises(ConditionFailedError):
        await client.call(
            "PutItem", TableName=TABLE, Item=larger, ConditionExpression="attribute_not_exists(id)"
        )
    assert trace.units(writes=True) == write_units(item_bytes(larger))


@pytest.mark.parametrize("engine", ["moto", "dynamodb-local"], indirect=True)
async def test_a_transaction_costs_two_units_for_each_kilobyte_of_each_item(
    engine: Engine, engine_aws: AWS
) -> None:
    client = MeteredClient(engine_aws.dynamodb)
    small, large = item_of(1000), item_of(1500)
    for item in (small, large):
        await client.call("PutItem", TableName=TABLE, Item=item)
    actions = [
        {
            "Update": {
                "TableName": TABLE,
                "Key": {"id": item["id"]},
                "UpdateExpression": "SET n = :n",
                "ExpressionAttributeValues": {":n": {"N": "1"}},
            }
        }
        for item in (small, large)
    ]
    with traced() as trace:
        await client.call("TransactWriteItems", TransactItems=actions)
    assert [call.units for call in trace.calls] == [{TABLE: 2 + 4}]


def test_a_value_of_an_unknown_type_has_no_size() -> None:
    with pytest.raises(ValueError, match="type SS"):
        item_bytes({"tags": {"SS": ["a"]}})

"""What moto would do otherwise than AWS."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_stack import botocore_client
from sluice.local.aws_process import LocalAWS
from sluice.stores.access import Endpoint

TABLE = "rows"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with LocalAWS() as local_aws:
        yield local_aws.endpoint


@pytest.fixture
def dynamodb(endpoint: Endpoint) -> Iterator[Any]:
    """A table whose items have a range key, with a stream."""
    client = botocore_client(endpoint, "dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("k", "r")],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    yield client
    client.delete_table(TableName=TABLE)


@pytest.fixture
def streams(endpoint: Endpoint) -> Any:
    return botocore_client(endpoint, "dynamodbstreams")


def key(name: str) -> dict[str, Any]:
    return {"k": {"S": "k"}, "r": {"S": name}}


def content(dynamodb: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dynamodb.scan(TableName=TABLE)["Items"]
    return sorted(found, key=lambda item: str(item["r"]))


def iterator(streams: Any) -> str:
    (stream,) = streams.list_streams(TableName=TABLE)["Streams"]
    (shard,) = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    found = streams.get_shard_iterator(
        StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    return str(found["ShardIterator"])


def marking(name: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": TABLE,
            "Key": key(name),
            "UpdateExpression": "SET seen = :true",
            "ConditionExpression": "attribute_not_exists(seen)",
            "ExpressionAttributeValues": {":true": {"BOOL": True}},
        }
    }


def test_a_cancelled_transaction_leaves_items_and_stream_as_they_were(dynamodb: Any, streams: Any) -> None:
    for name in ("changed", "deleted", "replaced"):
        dynamodb.put_item(TableName=TABLE, Item=key(name) | {"n": {"N": "1"}})
    dynamodb.put_item(TableName=TABLE, Item=key("seen") | {"seen": {"BOOL": True}})
    before = content(dynamodb)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.transact_write_items(
            TransactItems=[
                marking("changed"),
                marking("made"),
                {"Put": {"TableName": TABLE, "Item": key("replaced")}},
                {"Delete": {"TableName": TABLE, "Key": key("deleted")}},
                marking("seen"),
            ]
        )
    assert content(dynamodb) == before
    assert len(streams.get_records(ShardIterator=iterator(streams))["Records"]) == len(before)


def test_a_stream_is_read_on_after_a_cancelled_transaction(dynamodb: Any, streams: Any) -> None:
    dynamodb.put_item(TableName=TABLE, Item=key("a") | {"seen": {"BOOL": True}})
    read = streams.get_records(ShardIterator=iterator(streams))
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.transact_write_items(TransactItems=[marking("a")])
    dynamodb.transact_write_items(TransactItems=[marking("b")])
    (record, *_) = streams.get_records(ShardIterator=read["NextShardIterator"])["Records"]
    assert record["dynamodb"]["Keys"] == key("b")


def test_two_may_put_the_same_object_at_once(endpoint: Endpoint) -> None:
    s3 = botocore_client(endpoint, "s3")
    s3.create_bucket(Bucket="files")
    body = bytes(300_000)
    with ThreadPoolExecutor(8) as threads:
        puts = [threads.submit(s3.put_object, Bucket="files", Key="same", Body=body) for _ in range(200)]
        tags = {put.result()["ETag"] for put in puts}
    assert len(tags) == 1

"""The keys that the rows of the error table want, and a gateway that is damaged for one of them."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3

from error_table import Row
from gateway_process import GatewayProcess

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

UNKNOWN_KEY = "sk-0123456789abcdef0123456789abcdef0123456789abcdef"  # pragma: allowlist secret - made up


def secrets_for(
    rows: Iterable[Row], good: str, gateway: GatewayProcess, damaged: GatewayProcess
) -> dict[str, str]:
    """The secret for each row by its id; each row that has a key of its own shares it with nobody."""
    of_no_plan = damaged.create_key()
    _put_into_no_plan(damaged, of_no_plan["id"])

    def secret_for(row: Row) -> str:
        match row.key:
            case None:
                return good
            case "unknown":
                return UNKNOWN_KEY
            case "revoked":
                record = gateway.create_key()
                gateway.keys("revoke", record["id"])
                return str(record["key"])
            case "expired":
                return str(gateway.create_key("--expires-in", "1s")["key"])
            case "of no plan":
                return str(of_no_plan["key"])
            case list(options):
                return str(gateway.create_key(*options)["key"])
            case _:
                raise ValueError(row.key)

    found = list(rows)
    with ThreadPoolExecutor(4) as pool:
        return dict(zip([row.id for row in found], pool.map(secret_for, found), strict=True))


def _put_into_no_plan(damaged: GatewayProcess, key_id: str) -> None:
    """Give a key a plan that no version knows, as if a later one had been rolled back."""
    dynamodb: DynamoDBClient = boto3.client(
        "dynamodb",
        endpoint_url=damaged.details["aws_endpoint"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    (table,) = [name for name in dynamodb.list_tables()["TableNames"] if "Keys" in name]
    for page in dynamodb.get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            if item.get("id", {}).get("S") == key_id:
                dynamodb.put_item(TableName=table, Item=item | {"plan": {"S": "of tomorrow"}})
    dynamodb.close()

"""Queries and scans, however many replies they take."""

from collections.abc import AsyncIterator
from typing import Any

from sluice.stores.aws import Client, Item


async def items_of(dynamodb: Client, operation: str, **members: Any) -> AsyncIterator[Item]:
    """Every item that a query or scan finds, page by page.

    Raises:
        OverloadedError: DynamoDB throttles or cannot be reached; what was found before has been given.
    """
    start: dict[str, Any] = {}
    while True:
        reply = await dynamodb.call(operation, **members, **start)
        for item in reply["Items"]:
            yield item
        if "LastEvaluatedKey" not in reply:
            return
        start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}

"""The ledger table: one row for each settled request, by key and request id, which sorts by time.

A row is written once and never changed, so whoever comes second finds out what became of the request. Only the
roll-up marks it.
"""

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any

from sluice.request_ids import lowest_request_id
from sluice.stores.aws import AWS, ConditionFailedError, Item
from sluice.stores.ledger_rows import ROLLED_UP, LedgerRow, item_of, row_of
from sluice.stores.pages import items_of

IS_NEW = "attribute_not_exists(request_id)"
IS_NOT_ADDED_UP = "attribute_not_exists(#mark)"
IS_OF_KEY = "key_id = :key"
IS_IN_TIME = "request_id BETWEEN :first AND :last"
"""No request has the very id of a bound: it lacks the bits that say how ids are made."""
PORTION = 100
"""Rows in one reply."""


class LedgerStore:
    """Reads and writes ledger rows.

    Every method raises ``OverloadedError`` when DynamoDB throttles or cannot be reached.

    Args:
        aws: the way to DynamoDB.
        table: the table's name.
    """

    def __init__(self, aws: AWS, table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table

    async def put(self, row: LedgerRow) -> LedgerRow:
        """Write a request's row, unless it has one.

        Returns:
            The row that stands: this one, or the one that was there, from whoever settled the request first.
        """
        try:
            await self._dynamodb.call(
                "PutItem",
                TableName=self._table,
                Item=item_of(row),
                ConditionExpression=IS_NEW,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailedError as error:
            # Some engines do not give the item back.
            standing = row_of(error.item) if error.item else await self.get(row.key_id, row.request_id)
            if standing is None:
                raise
            return standing
        return row

    async def get(self, key_id: str, request_id: str) -> LedgerRow | None:
        """The row of a request, None while it is not settled."""
        reply = await self._dynamodb.call(
            "GetItem",
            TableName=self._table,
            Key={"key_id": {"S": key_id}, "request_id": {"S": request_id}},
            ConsistentRead=True,
        )
        item = reply.get("Item")
        return row_of(item) if item else None

    async def rows(self, key_id: str) -> AsyncIterator[LedgerRow]:
        """All rows of a key as they are this moment, oldest first, page by page."""
        async for row in self._found(IS_OF_KEY, key_id):
            yield row

    async def rows_between(self, key_id: str, first: float, last: float) -> AsyncIterator[LedgerRow]:
        """Those of a key's rows whose requests came in from the epoch second ``first`` on and before ``last``.

        They come in small portions, for somebody who waits for the first of them, perhaps far from the table.
        """
        bounds = {":first": {"S": lowest_request_id(first)}, ":last": {"S": lowest_request_id(last)}}
        async for row in self._found(f"{IS_OF_KEY} AND {IS_IN_TIME}", key_id, bounds, Limit=PORTION):
            yield row

    async def _found(
        self, condition: str, key_id: str, bounds: Mapping[str, Any] = MappingProxyType({}), **members: Any
    ) -> AsyncIterator[LedgerRow]:
        async for item in items_of(
            self._dynamodb,
            "Query",
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression=condition,
            ExpressionAttributeValues={":key": {"S": key_id}, **bounds},
            **members,
        ):
            yield row_of(item)

    async def not_added_up(self) -> AsyncIterator[Item]:
        """The items of all keys that no sum of usage has, as they are: who adds them up says what is wrong with one."""
        async for item in items_of(
            self._dynamodb,
            "Scan",
            TableName=self._table,
            ConsistentRead=True,
            FilterExpression=IS_NOT_ADDED_UP,
            ExpressionAttributeNames={"#mark": ROLLED_UP},
        ):
            yield item

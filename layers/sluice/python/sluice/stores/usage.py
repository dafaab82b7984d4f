"""The usage table: what the ledger adds up to, each row exactly once.

A stream delivers its records at least once, in portions that differ from one delivery to the next, and a function may
die between any two of its calls. So the mark on a ledger row and the row's share in a sum are one transaction: a row
that is delivered again, at the same time or after a crash, has its mark, and what has none is in no sum. A reply that
is lost needs no token of the request either: the marks say whether the transaction was carried out.

What would save the marks falls short. Sums that remember the last sequence number they have seen are right as long as
all records of an item come from one shard and in order, which nothing here could check. Adding a day's rows up anew
at each delivery reads them over and over.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sluice.errors import OverloadedError
from sluice.stores.aws import AWS, ConditionFailedError, Item
from sluice.stores.ledger_rows import ROLLED_UP, LedgerRow
from sluice.stores.pages import items_of
from sluice.stores.usage_items import (
    DAY_KEY_MODEL,
    OWNER,
    Usage,
    UsageKey,
    numbers_of,
    usage_key_of,
    usage_of,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

MAX_ACTIONS = 100
"""In a transaction; also the most keys in one batch of reads."""

MAX_PROVIDERS = 12
"""In a portion: with all their numbers they are far below the 300 operators that DynamoDB lets an expression have, and
no more than moto can parse."""

IS_NOT_MARKED = "attribute_exists(request_id) AND attribute_not_exists(#mark)"
IS_THE_OWNERS = "#owner = :owner"
IS_IN_TIME = "#range BETWEEN :since AND :until"
AFTER_SEPARATOR = "$"
"""The character that follows ``#``: where the items of a day end."""


class PartlyAddedError(Exception):
    """DynamoDB throttles, or does not answer: some rows are not known to be added. Another attempt does no harm.

    Attributes:
        left: these rows.
    """

    def __init__(self, left: Sequence[LedgerRow]) -> None:
        super().__init__(f"{len(left)} ledger rows are not known to be added up")
        self.left = left


class UsageStore:
    """Adds ledger rows up, and reads the sums.

    Args:
        aws: the way to DynamoDB.
        usage_table: the name of the table with the sums.
        ledger_table: the name of the table with the rows.
    """

    def __init__(self, aws: AWS, usage_table: str, ledger_table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._usage_table = usage_table
        self._ledger_table = ledger_table

    async def add(self, rows: Iterable[LedgerRow]) -> None:
        """Add rows of the ledger to the sums that they belong to, unless that was done before.

        A row that is no longer in the ledger is not counted.

        Raises:
            PartlyAddedError: the rest waits for another time.
            MalformedRowError: a row belongs to no sum; nothing was done.
        """
        left = {_identity(row): row for row in rows}
        for portion in list(portions(left.values())):
            try:
                await self._add_portion(portion)
            except OverloadedError as error:
                raise PartlyAddedError(list(left.values())) from error
            for row in portion:
                del left[_identity(row)]

    async def read(
        self,
        owner: str | None = None,
        key_id: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Sequence[Usage]:
        """The usage of an owner, of a key, of a time, in the order of owner, day, key and model.

        Without an owner the whole table is read.

        Args:
            owner: whose.
            key_id: of which key.
            since: the first day.
            until: the last day.

        Raises:
            OverloadedError: DynamoDB throttles or cannot be reached.
        """
        names = {"#range": DAY_KEY_MODEL}
        values: Item = {
            ":since": {"S": (since or date.min).isoformat()},
            ":until": {"S": (until or date.max).isoformat() + AFTER_SEPARATOR},
        }
        if owner is None:
            pages = self._pages("Scan", FilterExpression=IS_IN_TIME, **_placeholders(names, values))
        else:
            condition = f"{IS_THE_OWNERS} AND {IS_IN_TIME}"
            names["#owner"] = OWNER
            values[":owner"] = {"S": owner}
            pages = self._pages("Query", KeyConditionExpression=condition, **_placeholders(names, values))
        found = map(usage_of, await pages)
        return sorted(
            (usage for usage in found if key_id in {None, usage.key.key_id}), key=lambda usage: usage.key
        )

    async def _add_portion(self, rows: Sequence[LedgerRow]) -> None:
        while rows:
            try:
                await self._dynamodb.call("TransactWriteItems", TransactItems=self._actions(rows))
            except ConditionFailedError:
                unmarked = await self._unmarked(rows)
                if len(unmarked) == len(
                    rows
                ):  # marks are never taken away, so this is no race to be run again
                    raise
                rows = unmarked
            else:
                return

    def _actions(self, rows: Sequence[LedgerRow]) -> list["TransactWriteItemTypeDef"]:
        marks: list[TransactWriteItemTypeDef] = [
            {
                "Update": {
                    "TableName": self._ledger_table,
                    "Key": _row_key(row),
                    "ConditionExpression": IS_NOT_MARKED,
                    "UpdateExpression": "SET #mark = :true",
                    "ExpressionAttributeNames": {"#mark": ROLLED_UP},
                    "ExpressionAttributeValues": {":true": {"BOOL": True}},
                }
            }
            for row in rows
        ]
        sums = [
            self._sum(key, [row for _, row in pairs])
            for key, pairs in groupby(_by_sum(rows), key=lambda pair: pair[0])
            if key is not None
        ]
        return marks + sums

    def _sum(self, key: UsageKey, rows: Iterable[LedgerRow]) -> "TransactWriteItemTypeDef":
        numbers = dict(numbers_of(rows))
        return {
            "Update": {
                "TableName": self._usage_table,
                "Key": key.item(),
                "UpdateExpression": "ADD " + ", ".join(f"#{place} :{place}" for place in range(len(numbers))),
                "ExpressionAttributeNames": {f"#{place}": name for place, name in enumerate(numbers)},
                "ExpressionAttributeValues": {
                    f":{place}": {"N": str(number)} for place, number in enumerate(numbers.values())
                },
            }
        }

    async def _unmarked(self, rows: Sequence[LedgerRow]) -> Sequence[LedgerRow]:
        """Those of the rows that are in the ledger without a mark this moment."""
        unmarked: set[tuple[str, str]] = set()
        request = {
            "Keys": [_row_key(row) for row in rows],
            "ConsistentRead": True,
            "ProjectionExpression": "key_id, request_id, #mark",
            "ExpressionAttributeNames": {"#mark": ROLLED_UP},
        }
        while request:
            reply = await self._dynamodb.call("BatchGetItem", RequestItems={self._ledger_table: request})
            unmarked.update(
                (item["key_id"]["S"], item["request_id"]["S"])
                for item in reply["Responses"].get(self._ledger_table, [])
                if ROLLED_UP not in item
            )
            # Where nothing at all can be read the call itself fails, so that this ends.
            request = reply.get("UnprocessedKeys", {}).get(self._ledger_table)
        return [row for row in rows if _identity(row) in unmarked]

    async def _pages(self, operation: str, **members: Any) -> list[Item]:
        found = items_of(self._dynamodb, operation, TableName=self._usage_table, **members)
        return [item async for item in found]


def portions(rows: Iterable[LedgerRow]) -> Iterator[list[LedgerRow]]:
    """Rows in portions that each fit a transaction: an action for each row, and one for each sum."""
    portion: list[LedgerRow] = []
    sums, providers = set[UsageKey | None](), set[str]()
    for key, row in _by_sum(rows):
        sums.add(key)
        providers.add(row.provider)
        if len(portion) + 1 + len(sums) > MAX_ACTIONS or len(providers) > MAX_PROVIDERS:
            yield portion
            portion, sums, providers = [], {key}, {row.provider}
        portion.append(row)
    if portion:
        yield portion


def _by_sum(rows: Iterable[LedgerRow]) -> list[tuple[UsageKey | None, LedgerRow]]:
    """Rows with the sum that each belongs to, those of one sum together."""
    keyed = [(usage_key_of(row), row) for row in rows]
    return sorted(keyed, key=lambda pair: (pair[0] is None, pair[0]))


def _placeholders(names: dict[str, str], values: Item) -> dict[str, Any]:
    return {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}


def _identity(row: LedgerRow) -> tuple[str, str]:
    return row.key_id, row.request_id


def _row_key(row: LedgerRow) -> Item:
    return {"key_id": {"S": row.key_id}, "request_id": {"S": row.request_id}}

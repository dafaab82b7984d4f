"""Brings back what a table has lost, from a copy of it that was restored beside it.

Only what is missing is written. An item that is there stays as it is: it is the newer one. So this can be repeated, and
done while requests go on.

Keys' records and ledger rows alone are brought back so. Counters follow from the ledger: ``sluice.pipeline.reconcile``
writes them anew. What the ledger adds up to follows from it too: a row that comes back without the mark of the roll-up
is added up like a new one, and one with it is not.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sluice.stores.aws import AWS, ConditionFailedError, Item
from sluice.stores.key_records import record_of
from sluice.stores.ledger_rows import ROLLED_UP, row_of
from sluice.stores.pages import items_of

Restorable = Literal["keys", "ledger"]
RESTORABLE: tuple[Restorable, ...] = get_args(Restorable)

AT_ONCE = 16
"""How many items are written at a time."""


@dataclass(frozen=True, slots=True)
class Merged:
    """How many items the copy has, and how many of them were missing."""

    read: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a table's items go by, which attribute names the key that they are of, and what refuses others."""

    identity: str
    key_id: str
    checked: Callable[[Item], object]


_KINDS: Mapping[Restorable, _Kind] = {
    "keys": _Kind("digest", "id", record_of),
    "ledger": _Kind("request_id", "key_id", row_of),
}


def unmarked(item: Item) -> Item:
    """A ledger row's item as it was before the roll-up had added it up."""
    return {name: value for name, value in item.items() if name != ROLLED_UP}


class Merger:
    """Writes into a table what is missing in it.

    Args:
        aws: the way to DynamoDB.
        kind: what the table holds.
        table: its name.
    """

    def __init__(self, aws: AWS, kind: Restorable, table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._kind = _KINDS[kind]
        self._table = table

    async def merge(self, copy: str, key_id: str | None = None, *, recount: bool = False) -> Merged:
        """Bring back what a copy has.

        Args:
            copy: the name of the table to read.
            key_id: whose items; None for all.
            recount: leave out the marks of the roll-up, so that rows are added up anew: for a stack that never did so.

        Raises:
            MalformedItemError, MalformedRowError: the copy is of another table. What was read before is written.
            OverloadedError: DynamoDB throttles or cannot be reached; to repeat it does no harm.
        """
        merged = Merged()
        pending: list[Item] = []
        async for item in self._items(copy, key_id):
            self._kind.checked(item)
            pending.append(unmarked(item) if recount else item)
            if len(pending) == AT_ONCE:
                merged = await self._written(pending, merged)
                pending = []
        return await self._written(pending, merged)

    def _items(self, copy: str, key_id: str | None) -> AsyncIterator[Item]:
        condition: dict[str, Any] = {}
        if key_id is not None:
            condition = {
                "FilterExpression": "#key = :key",
                "ExpressionAttributeNames": {"#key": self._kind.key_id},
                "ExpressionAttributeValues": {":key": {"S": key_id}},
            }
        return items_of(self._dynamodb, "Scan", TableName=copy, **condition)

    async def _written(self, items: list[Item], so_far: Merged) -> Merged:
        outcomes = await asyncio.gather(*map(self._put, items))
        return Merged(so_far.read + len(items), so_far.written + sum(outcomes))

    async def _put(self, item: Item) -> bool:
        """Whether the item was missing."""
        try:
            await self._dynamodb.call(
                "PutItem",
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(#identity)",
                ExpressionAttributeNames={"#identity": self._kind.identity},
            )
        except ConditionFailedError:
            return False
        return True

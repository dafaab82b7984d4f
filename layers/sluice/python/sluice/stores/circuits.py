"""The circuits in the models table: one item that all environments share, and beside it how providers are.

Its attributes are the names of legs, each with the epoch second until which it is to be asked last.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.stores.aws import AWS, Item
from sluice.stores.model_items import PROVIDER, ProviderHealth, provider_of
from sluice.stores.updates import Update

CIRCUITS = "circuits"
"""The item's id."""

MOST_KEYS = 100
"""DynamoDB reads no more items at once."""


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What the table has: circuits with their epoch seconds, and providers."""

    circuits: Mapping[str, int]
    providers: Mapping[str, ProviderHealth]


class CircuitStore:
    """The item.

    Args:
        aws: the way to DynamoDB.
        table: the models table's name.
    """

    def __init__(self, aws: AWS, table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table

    async def open(self, circuits: Mapping[str, int], expired: Iterable[str] = ()) -> None:
        """Write circuits down, and leave out those that have closed by themselves.

        Raises:
            OverloadedError: DynamoDB throttles or cannot be reached.
        """
        update = Update()
        for leg, until in circuits.items():
            update.set(update.name(leg), update.number(until))
        for leg in set(expired) - circuits.keys():
            update.remove(update.name(leg))
        await self._dynamodb.call("UpdateItem", TableName=self._table, Key=_key(CIRCUITS), **update.members())

    async def read(self, providers: Iterable[str]) -> Bulletin:
        """The circuits, and how some providers are; what is malformed is in the log only.

        Raises:
            OverloadedError: DynamoDB throttles or cannot be reached.
        """
        names = [CIRCUITS, *(PROVIDER + name for name in sorted(providers))][:MOST_KEYS]
        reply = await self._dynamodb.call(
            "BatchGetItem", RequestItems={self._table: {"Keys": [_key(name) for name in names]}}
        )
        if reply.get("UnprocessedKeys"):
            raise OverloadedError("DynamoDB has left out a part of what was to be read.")
        circuits: dict[str, int] = {}
        found: dict[str, ProviderHealth] = {}
        for item in reply["Responses"].get(self._table, []):
            name = item["id"]["S"]
            try:
                if name == CIRCUITS:
                    circuits = {leg: int(value["N"]) for leg, value in item.items() if leg != "id"}
                else:
                    found[name.removeprefix(PROVIDER)] = provider_of(item)
            except (KeyError, ValueError):
                logger.exception("an item of the models table is malformed", extra={"item": name})
        return Bulletin(circuits, found)


def _key(item_id: str) -> Item:
    return {"id": {"S": item_id}}

"""What calls of DynamoDB consume: taken down call by call, in the units that AWS charges for.

An engine says what a call that succeeds consumes. Two things are worked out here from the items' sizes, since no
engine says them as AWS charges them: a write whose condition fails, whose error has no member for it, and a
transaction, of which DynamoDB Local says 4 units a table, however many items there are.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (sizes),
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html (failed conditions),
https://aws.amazon.com/dynamodb/pricing/on-demand/ (two units for each KB that a transaction writes).
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sluice.stores.aws import ConditionFailedError, Item

Stage = Literal["before", "during", "after"]
"""Before the provider is called; from then until the client has its last byte; after that."""

READS = frozenset({"BatchGetItem", "GetItem", "Query", "Scan"})
WRITES = frozenset({"DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"})
TRANSACTION = "TransactWriteItems"

WRITE_UNIT_BYTES = 1024
UNITS_IN_TRANSACTION = 2
BRACKET_BYTES = 3
"""What a list or a map takes beside its elements, each of which takes one byte more."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call, and the units that it consumed of each table. ``failed`` says that its condition did not hold."""

    operation: str
    stage: Stage
    units: Mapping[str, float]
    failed: bool = False

    @property
    def writes(self) -> bool:
        """Whether the units are write units."""
        return self.operation in WRITES

    @property
    def total(self) -> float:
        """The units of all tables."""
        return sum(self.units.values())


@dataclass(slots=True)
class Trace:
    """The calls made for one request, and how far the request is."""

    calls: list[Call] = field(default_factory=list)
    stage: Stage = "before"

    def count(self, *, writes: bool, stage: Stage | None = None) -> int:
        """How many writes, or reads, there were; in one stage or in all."""
        return sum(call.writes == writes and stage in {None, call.stage} for call in self.calls)

    def units(self, *, writes: bool) -> float:
        """The write units, or read units, of all calls."""
        return sum(call.total for call in self.calls if call.writes == writes)


_trace: ContextVar[Trace | None] = ContextVar("trace", default=None)


@contextmanager
def traced() -> Iterator[Trace]:
    """Take down the calls of this context and of the tasks that it starts."""
    token = _trace.set(trace := Trace())
    try:
        yield trace
    finally:
        _trace.reset(token)


def reached(stage: Stage) -> None:
    """Say how far the request is to which this context belongs."""
    trace = _trace.get()
    assert trace is not None
    trace.stage = stage


class Client(Protocol):
    """A client of DynamoDB: the stores' own."""

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """As ``sluice.stores.aws.Client.call``."""
        ...


class MeteredClient:
    """Makes the calls of another client, and takes down what they consume.

    A write whose condition fails gets its item back, if it asked for it, as it does on AWS; the engines that tell
    capacity do not give it back, and the product would read it, for nothing that AWS would charge.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call_anew(self, operation: str, members_of: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
        """As ``sluice.stores.aws.Client.call_anew``, where the first attempt is answered."""
        return await self.call(operation, **members_of(0))

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """As ``sluice.stores.aws.Client.call``."""
        trace = _trace.get()
        if trace is None:
            return await self._client.call(operation, **members)
        stage = trace.stage
        try:
            reply = await self._client.call(operation, ReturnConsumedCapacity="TOTAL", **members)
        except ConditionFailedError as error:
            table, key = members["TableName"], members.get("Key") or await self._key(members)
            item = await self._item(table, key)
            sizes = [item_bytes(item), item_bytes(members.get("Item", {}))]
            trace.calls.append(Call(operation, stage, {table: write_units(max(sizes))}, failed=True))
            asked = members.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise ConditionFailedError(item if asked else {}) from error
        if operation == TRANSACTION:
            units = await self._of_transaction(members["TransactItems"])
        else:
            units = reported(reply["ConsumedCapacity"])
        trace.calls.append(Call(operation, stage, units))
        return reply

    async def _of_transaction(self, actions: Iterable[Mapping[str, Any]]) -> Mapping[str, float]:
        """By the items as they are afterwards, which is right for updates that take nothing away."""
        units: dict[str, float] = {}
        for action in actions:
            update = action["Update"]
            table = update["TableName"]
            size = item_bytes(await self._item(table, update["Key"]))
            units[table] = units.get(table, 0) + UNITS_IN_TRANSACTION * write_units(size)
        return units

    async def _key(self, members: Mapping[str, Any]) -> Item:
        described = await self._client.call("DescribeTable", TableName=members["TableName"])
        names = [part["AttributeName"] for part in described["Table"]["KeySchema"]]
        return {name: members["Item"][name] for name in names}

    async def _item(self, table: str, key: Item) -> Item:
        found = await self._client.call("GetItem", TableName=table, Key=key, ConsistentRead=True)
        item: Item = found.get("Item", {})
        return item


def reported(consumed: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> Mapping[str, float]:
    """An engine's ``ConsumedCapacity``, of one table or of several, by table."""
    parts = [consumed] if isinstance(consumed, Mapping) else consumed
    return {part["TableName"]: float(part["CapacityUnits"]) for part in parts}


def write_units(size: int) -> int:
    """The units of writing an item of so many bytes; one that is not there costs as much as the smallest."""
    return max(1, -(-size // WRITE_UNIT_BYTES))


def item_bytes(item: Item) -> int:
    """The size of an item."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def value_bytes(value: Mapping[str, Any]) -> int:
    """The size of a value; of a number it is AWS's approximation."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_bytes(content)
        case "B":
            return len(base64.b64decode(content))
        case "BOOL" | "NULL":
            return 1
        case "L":
            return BRACKET_BYTES + sum(1 + value_bytes(element) for element in content)
        case "M":
            return BRACKET_BYTES + len(content) + item_bytes(content)
        case _:
            raise ValueError(f"the size of a value of type {kind} is not known here")


def _number_bytes(digits: str) -> int:
    significant = digits.lstrip("-").strip("0")
    return 1 + -(-len(significant) // 2) + digits.startswith("-")

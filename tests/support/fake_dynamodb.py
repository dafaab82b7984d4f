"""DynamoDB in memory, for tests that make thousands of calls: it carries out the very expressions that the stores write.

It knows the forms they use and no more; whatever else it meets is an error. Where DynamoDB refuses an expression
(placeholders that nothing uses, paths that overlap or lead nowhere), so does this: a test runs the same updates here and
on other engines. What is stored is never changed in place, so that an item handed out stays as it was.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from fake_conditions import Condition
from sluice.stores.aws import AWS, AWSError, ConditionFailedError, Item

type Path = tuple[str, ...]

KEYS: Mapping[str, tuple[str, ...]] = {
    "CountersTable": ("id",),
    "IdempotencyTable": ("id", "part"),
    "JobsTable": ("id",),
    "LedgerTable": ("key_id", "request_id"),
    "ModelsTable": ("id",),
}
"""The tables that there are, by their names in the template, and what their items are found by."""

MISSING: dict[str, Any] = {}
"""The value at a path where nothing is."""

_CLAUSE = re.compile(r"(SET|REMOVE|ADD|DELETE) (.+?)(?= (?:SET|REMOVE|ADD|DELETE) |$)")
_ASSIGNMENT = re.compile(
    r"(?P<path>\S+) = (?:(?:if_not_exists\((?P<else>\S+?), (?P<default>:\w+)\)|(?P<operand>[^\s:]\S*)) (?P<sign>[+-]) )?"
    r"(?P<value>:\w+)"
)
_FIRST = re.compile(r"(?P<path>\S+) = if_not_exists\((?P<same>\S+), (?P<first>:\w+)\)")
_OF_SET = re.compile(r"(?P<path>\S+) (?P<value>:\w+)")
_BETWEEN_ASSIGNMENTS = re.compile(r", (?![^(]*\))")
_PLACEHOLDER = re.compile(r"[#:]\w+")


class FakeDynamoDB:
    """Tables in memory. Each operation is one step that nothing comes between.

    Args:
        keys: the tables.
        returns_failed_items: whether a write whose condition fails gives the item back, as only some engines do.
        page_size: how many items a query or scan finds at once.
    """

    def __init__(
        self,
        keys: Mapping[str, tuple[str, ...]] = KEYS,
        *,
        returns_failed_items: bool = True,
        page_size: int = 1000,
    ) -> None:
        self.tables: dict[str, dict[tuple[str, ...], Item]] = {name: {} for name in keys}
        self.returns_failed_items = returns_failed_items
        self.page_size = page_size
        self._keys = keys
        self._operations: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "BatchGetItem": self._batch_get,
            "DeleteItem": self._delete,
            "GetItem": self._get,
            "PutItem": self._put,
            "UpdateItem": self._update,
            "Query": self._query,
            "Scan": self._scan,
        }

    def execute(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        """Carry out an operation.

        Raises:
            ConditionFailedError: its condition does not hold.
            AWSError: DynamoDB would not take it.
        """
        return self._operations[operation](members)

    def _get(self, members: dict[str, Any]) -> dict[str, Any]:
        assert members["ConsistentRead"] is True
        item = self.tables[members["TableName"]].get(self._name(members["TableName"], members["Key"]))
        return {} if item is None else {"Item": item}

    def _batch_get(self, members: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, list[Item]] = {}
        for table, asked in members["RequestItems"].items():
            assert 0 < len(asked["Keys"]) <= 100
            items = (self.tables[table].get(self._name(table, key)) for key in asked["Keys"])
            found[table] = [item for item in items if item is not None]
        return {"Responses": found, "UnprocessedKeys": {}}

    def _put(self, members: dict[str, Any]) -> dict[str, Any]:
        table, item = members["TableName"], members["Item"]
        name = self._name(table, item)
        expressions = Expressions(members)
        self._check(members, expressions, self.tables[table].get(name))
        expressions.refuse_unused()
        before = self.tables[table].get(name)
        self.tables[table][name] = item
        return {"Attributes": before} if before and members.get("ReturnValues") == "ALL_OLD" else {}

    def _delete(self, members: dict[str, Any]) -> dict[str, Any]:
        table = members["TableName"]
        name = self._name(table, members["Key"])
        expressions = Expressions(members)
        self._check(members, expressions, self.tables[table].get(name))
        expressions.refuse_unused()
        self.tables[table].pop(name, None)
        return {}

    def _update(self, members: dict[str, Any]) -> dict[str, Any]:
        table, key = members["TableName"], members["Key"]
        name = self._name(table, key)
        expressions = Expressions(members)
        before = self.tables[table].get(name)
        changes = expressions.changes(members["UpdateExpression"])
        holds = self._holds(members, expressions, before)
        expressions.refuse_unused()  # before the condition counts
        if not holds:
            raise self._failed(members, before)
        after = changed(before or key, changes)
        if self._name(table, after) != name:
            raise refused("an update cannot change the key")
        self.tables[table][name] = after
        match members.get("ReturnValues"):
            case "ALL_NEW":
                return {"Attributes": after}
            case "ALL_OLD":
                return {"Attributes": before} if before else {}
            case _:
                return {}

    def _query(self, members: dict[str, Any]) -> dict[str, Any]:
        return self._page(members, members["KeyConditionExpression"])

    def _scan(self, members: dict[str, Any]) -> dict[str, Any]:
        return self._page(members, members.get("FilterExpression"))

    def _page(self, members: dict[str, Any], condition: str | None) -> dict[str, Any]:
        table = members["TableName"]
        expressions = Expressions(members)
        start = members.get("ExclusiveStartKey")
        backwards = members.get("ScanIndexForward") is False
        names = sorted(self.tables[table], reverse=backwards)
        if start is not None:
            names = names[names.index(self._name(table, start)) + 1 :]
        page = names[: self.page_size]
        items = [self.tables[table][name] for name in page]
        reply: dict[str, Any] = {
            "Items": [item for item in items if condition is None or expressions.holds(condition, item)]
        }
        if len(page) < len(names):
            reply["LastEvaluatedKey"] = {part: items[-1][part] for part in self._keys[table]}
        return reply

    def _check(self, members: dict[str, Any], expressions: "Expressions", item: Item | None) -> None:
        if not self._holds(members, expressions, item):
            raise self._failed(members, item)

    @staticmethod
    def _holds(members: dict[str, Any], expressions: "Expressions", item: Item | None) -> bool:
        condition = members.get("ConditionExpression")
        return condition is None or expressions.holds(condition, item or MISSING)

    def _failed(self, members: dict[str, Any], item: Item | None) -> ConditionFailedError:
        asked = members.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return ConditionFailedError(item if item and asked and self.returns_failed_items else {})

    def _name(self, table: str, item: Item) -> tuple[str, ...]:
        return tuple(str(next(iter(item[part].values()))) for part in self._keys[table])


@dataclass(frozen=True, slots=True)
class Change:
    """What an update does to one path: sets it, adds to a number or a set there, or removes it (None)."""

    path: Path
    value: dict[str, Any] | None
    sign: int = 0
    """1 or -1: the value is added to what is there, or taken from it."""
    default: dict[str, Any] | None = None
    """What counts as being there where nothing is."""


class Expressions:
    """The expressions of a call, with its placeholders filled in."""

    def __init__(self, members: dict[str, Any]) -> None:
        self._names: dict[str, str] = members.get("ExpressionAttributeNames", {})
        self._values: dict[str, dict[str, Any]] = members.get("ExpressionAttributeValues", {})
        texts = (
            members.get(f"{kind}Expression", "") for kind in ("Update", "Condition", "Filter", "KeyCondition")
        )
        self._used = set(_PLACEHOLDER.findall(" ".join(texts)))

    def refuse_unused(self) -> None:
        """As DynamoDB refuses placeholders that are given and not used, or used and not given."""
        if self._names.keys() | self._values.keys() != self._used:
            raise refused("placeholders are unused or unknown")

    def holds(self, condition: str, item: Item) -> bool:
        """Whether a condition is true of an item."""
        return Condition(condition, lambda path: self._value_at(path, item), self._values.__getitem__).holds()

    def changes(self, expression: str) -> Sequence[Change]:
        """What an update expression does."""
        clauses = _CLAUSE.findall(expression)
        assert " ".join(map(" ".join, clauses)) == expression, expression
        found = [
            self._change(verb, text) for verb, texts in clauses for text in _BETWEEN_ASSIGNMENTS.split(texts)
        ]
        paths = [change.path for change in found]
        if any(_overlap(one, other) for index, one in enumerate(paths) for other in paths[:index]):
            raise refused("two document paths overlap")
        return found

    def _change(self, verb: str, text: str) -> Change:
        match verb:
            case "SET":
                return self._assignment(text)
            case "REMOVE":
                return Change(self._path(text), None)
            case _:
                match = _OF_SET.fullmatch(text)
                assert match, text
                value = self._values[match["value"]]
                assert "SS" in value, "of numbers, an ADD hides a mistake"
                return Change(self._path(match["path"]), value, 1 if verb == "ADD" else -1)

    def _assignment(self, text: str) -> Change:
        if match := _FIRST.fullmatch(text):
            assert match["path"] == match["same"], text
            return Change(self._path(match["path"]), {"N": "0"}, 1, self._values[match["first"]])
        match = _ASSIGNMENT.fullmatch(text)
        assert match, text
        path, value = self._path(match["path"]), self._values[match["value"]]
        operand = match["operand"] or match["else"]
        if operand is None:
            return Change(path, value)
        assert self._path(operand) == path, text
        default = self._values[match["default"]] if match["default"] else None
        return Change(path, value, 1 if match["sign"] == "+" else -1, default)

    def _path(self, text: str) -> Path:
        return tuple(self._names[part] if part.startswith("#") else part for part in text.split("."))

    def _value_at(self, text: str, item: Item) -> dict[str, Any]:
        found: dict[str, Any] = {"M": item}
        for part in self._path(text):
            found = found.get("M", {}).get(part, MISSING)
        return found


def changed(item: Item, changes: Sequence[Change]) -> Item:
    """The item after an update, all of whose operands are what they were before it."""
    after = item
    for change in changes:
        after = _changed(after, change.path, change)
    return after


def _changed(members: Item, path: Path, change: Change) -> Item:
    first, *rest = path
    if rest:
        if "M" not in members.get(first, {}):
            raise refused("the document path is invalid for update")
        return members | {first: {"M": _changed(members[first]["M"], tuple(rest), change)}}
    if change.value is None:
        return {name: value for name, value in members.items() if name != first}
    if not change.sign:
        return members | {first: change.value}
    if "SS" in change.value:
        return _with_set(members, first, change)
    found = members.get(first, change.default or MISSING)
    if "N" not in found or "N" not in change.value:
        raise refused("an operand is no number, or is not there")
    return members | {first: {"N": str(int(found["N"]) + change.sign * int(change.value["N"]))}}


def _with_set(members: Item, name: str, change: Change) -> Item:
    """The members with more or fewer texts in a set; one without any is none."""
    assert change.value is not None
    before, given = set(members.get(name, {"SS": []})["SS"]), set(change.value["SS"])
    after = before | given if change.sign > 0 else before - given
    rest = {each: value for each, value in members.items() if each != name}
    return rest | {name: {"SS": sorted(after)}} if after else rest


def _overlap(one: Path, other: Path) -> bool:
    return one[: len(other)] == other or other[: len(one)] == one


def refused(message: str) -> AWSError:
    """What becomes of an expression that DynamoDB does not take."""
    return AWSError("UpdateItem", "ValidationException", message)


@dataclass(slots=True)
class FakeClient:
    """A client of the tables, as ``AWS.dynamodb``; takes down what was called."""

    database: FakeDynamoDB
    calls: list[str] = field(default_factory=list)
    faults: list[Exception | None] = field(default_factory=list)
    """What becomes of the next calls: the first of them is raised in place of a call, None lets it pass."""

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """As ``Client.call``."""
        self.calls.append(operation)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        return self.database.execute(operation, members)

    async def call_anew(self, operation: str, members_of: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
        """As ``Client.call_anew``, of which the first attempt succeeds."""
        return await self.call(operation, **members_of(0))

    @property
    def aws(self) -> AWS:
        """What stores are made with."""
        return aws_with(self)


@dataclass(frozen=True, slots=True)
class _FakeAWS:
    dynamodb: object


def aws_with(client: object) -> AWS:
    """What stores are made with, where ``client`` has the ``call`` of DynamoDB's client."""
    return cast("AWS", _FakeAWS(client))

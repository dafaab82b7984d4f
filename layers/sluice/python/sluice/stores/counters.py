"""The counters table: what each key has used and holds, one item a key.

Every write is one conditional UpdateItem, safe to repeat. The item's attributes are those of ``accounting.counter``:
each window as ``<name>_slot``, ``_now``, ``_earlier`` and ``_total``; ``period`` and ``used``; and the map ``holds``,
by request id, of texts ``<amount> <tokens> <expires_at> <period>``: short, because each 1 KB of the item costs a write
unit, and comparable on every engine, which lists are not.
"""

import itertools
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sluice.accounting.admission import Taking
from sluice.accounting.counter import Counter, Hold, Limits
from sluice.accounting.windows import DAY, MINUTE, empty
from sluice.stores.aws import AWS, ConditionFailedError, Item
from sluice.stores.updates import Update, begin_window, take_in_window, window_of

LEAD = "key#"

SETTLE_ATTEMPTS = 4

SHAPES = {"requests": MINUTE, "minute_tokens": MINUTE, "day_tokens": DAY}
"""The windows, and their shapes."""

BATCH = 100
"""As many items as DynamoDB reads in one call."""

IS_NEW = "attribute_not_exists({id})"
HAS_NO_SUCH_HOLD = "attribute_not_exists({hold})"
SAME_PERIOD = "{period} = {value}"
OTHER_PERIOD = "{period} <> {value}"
BUDGET_COVERS = "{used} <= {room}"
HOLD_IS_AS_SEEN = "{hold} = {seen}"
NEVER_CORRECTED = "attribute_not_exists({corrections})"
CORRECTIONS_AS_SEEN = "{corrections} = {seen}"


class LostRaceError(Exception):
    """The counter is not as it was seen.

    Attributes:
        counter: as it is; None where there is none.
    """

    def __init__(self, counter: Counter | None) -> None:
        super().__init__("the counter has changed")
        self.counter = counter


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request proves to have used: nano-USD and tokens. Nothing, where it failed."""

    cost: int
    tokens: int


NOTHING = Charge(0, 0)


class CounterStore:
    """Reads and writes keys' counters.

    Every method raises ``OverloadedError`` when DynamoDB throttles or cannot be reached; a write may then have been
    carried out, or not.

    Args:
        aws: the way to DynamoDB.
        table: the table's name.
    """

    def __init__(self, aws: AWS, table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table

    async def read(self, key_id: str) -> Counter | None:
        """A key's counter as it is this moment; None if the key was never admitted."""
        reply = await self._dynamodb.call(
            "GetItem", TableName=self._table, Key=_key(key_id), ConsistentRead=True
        )
        item = reply.get("Item")
        return counter_of(item) if item else None

    async def take(
        self, key_id: str, request_id: str, hold: Hold, taking: Taking, limits: Limits, now: int
    ) -> Counter:
        """Carry out an admission: count the request, and hold what it may use.

        All of it or nothing: requests, tokens and money are one write with one condition.

        Raises:
            LostRaceError: the counter is not as the decision supposed. If it has this very hold, an earlier attempt
                of this call went through.
        """
        update = Update()
        path = f"{update.name('holds')}.{update.name(request_id)}"
        if taking.seen is None:
            _begin(update, request_id, hold, taking)
        else:
            update.require(HAS_NO_SUCH_HOLD.format(hold=path))
            _take(update, hold, taking, limits, taking.seen)
            update.set(path, update.value(_hold_value(hold)))
        update.set(update.name("last_used_at"), update.number(now))
        return await self._write(key_id, update)

    async def settle(self, key_id: str, request_id: str, hold: Hold, charge: Charge) -> Counter | None:
        """End a hold: give back what was not used. Nothing happens if it has ended already.

        Money of a period that is over is not given back: the new one never counted it.

        Returns:
            The counter then; None if there is none.
        """
        same_period = True
        for _ in range(SETTLE_ATTEMPTS):
            try:
                return await self._write(key_id, _settling(request_id, hold, charge, same_period=same_period))
            except LostRaceError as error:
                counter = error.counter
            standing = counter.holds.get(request_id) if counter else None
            if counter is None or standing is None:
                return counter
            hold, same_period = standing, standing.period == counter.period
        raise AssertionError("a hold is extended once and its period ends once, but it changed more often")

    async def extend(self, key_id: str, request_id: str, hold: Hold, extended: Hold, limits: Limits) -> bool:
        """Hold more for a request, if the budget has it.

        Returns:
            Whether ``extended`` stands in the place of ``hold``.
        """
        more = extended.amount - hold.amount
        update = Update()
        path = f"{update.name('holds')}.{update.name(request_id)}"
        period, used = update.name("period"), update.name("used")
        update.require(HOLD_IS_AS_SEEN.format(hold=path, seen=update.value(_hold_value(hold))))
        update.require(SAME_PERIOD.format(period=period, value=update.value({"S": hold.period})))
        if limits.budget is not None:
            update.require(BUDGET_COVERS.format(used=used, room=update.number(limits.budget - more)))
        update.set(path, update.value(_hold_value(extended)))
        update.add(used, more)
        try:
            await self._write(key_id, update)
        except LostRaceError as error:
            return error.counter is not None and error.counter.holds.get(request_id) == extended
        return True

    async def correct(self, key_id: str, seen: Counter, by: int) -> bool:
        """Add to what a key has used, for a repair; what is admitted and settled meanwhile adds up with it.

        Returns:
            Whether it was done; not if another repair was faster, or the period is over.
        """
        update = Update()
        corrections, period = update.name("corrections"), update.name("period")
        if seen.corrections:
            update.require(
                CORRECTIONS_AS_SEEN.format(corrections=corrections, seen=update.number(seen.corrections))
            )
        else:
            update.require(NEVER_CORRECTED.format(corrections=corrections))
        update.require(SAME_PERIOD.format(period=period, value=update.value({"S": seen.period})))
        update.set(corrections, update.number(seen.corrections + 1))
        update.add(update.name("used"), by)
        try:
            await self._write(key_id, update)
        except LostRaceError:
            return False
        return True

    async def restore(self, key_id: str, *, period: str, used: int, last_used_at: int, now: float) -> bool:
        """Write the counter of a key that has lost it, for a repair: its windows are empty, and nothing is held.

        Returns:
            Whether it was written; not, if there is one.
        """
        update = Update()
        update.require(IS_NEW.format(id=update.name("id")))
        for name, shape in SHAPES.items():
            begin_window(update, name, empty(shape.slot_at(now)), counted=0, held=0)
        update.set(update.name("period"), update.value({"S": period}))
        update.set(update.name("used"), update.number(used))
        update.set(update.name("holds"), update.value({"M": {}}))
        update.set(update.name("last_used_at"), update.number(last_used_at))
        try:
            await self._write(key_id, update)
        except LostRaceError:
            return False
        return True

    async def last_used(self, key_ids: Iterable[str]) -> Mapping[str, int]:
        """The epoch seconds at which keys were last admitted; a key that never was is left out."""
        found: dict[str, int] = {}
        for batch in itertools.batched(dict.fromkeys(key_ids), BATCH, strict=False):
            asked: dict[str, Any] = {
                self._table: {
                    "Keys": [_key(key_id) for key_id in batch],
                    "ConsistentRead": True,
                    "ProjectionExpression": "#id, last_used_at",
                    "ExpressionAttributeNames": {"#id": "id"},
                }
            }
            while asked:
                # DynamoDB may leave a part for later. All of it would be an error, so this comes to an end.
                reply = await self._dynamodb.call("BatchGetItem", RequestItems=asked)
                for item in reply["Responses"].get(self._table, []):
                    found[item["id"]["S"].removeprefix(LEAD)] = int(item["last_used_at"]["N"])
                asked = reply.get("UnprocessedKeys", {})
        return found

    async def scan(self) -> AsyncIterator[tuple[str, Counter]]:
        """Every key's id and counter, page by page; for schedules and operators."""
        start: dict[str, Any] = {}
        while True:
            reply = await self._dynamodb.call(
                "Scan",
                TableName=self._table,
                ConsistentRead=True,
                FilterExpression="begins_with(#id, :lead)",
                ExpressionAttributeNames={"#id": "id"},
                ExpressionAttributeValues={":lead": {"S": LEAD}},
                **start,
            )
            for item in reply["Items"]:
                yield item["id"]["S"].removeprefix(LEAD), counter_of(item)
            if "LastEvaluatedKey" not in reply:
                return
            start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}

    async def _write(self, key_id: str, update: Update) -> Counter:
        try:
            reply = await self._dynamodb.call(
                "UpdateItem",
                TableName=self._table,
                Key=_key(key_id),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **update.members(),
            )
        except ConditionFailedError as error:
            # Some engines do not give the item back, so that none may also mean that they did not look.
            counter = counter_of(error.item) if error.item else await self.read(key_id)
            raise LostRaceError(counter) from error
        return counter_of(reply["Attributes"])


def _begin(update: Update, request_id: str, hold: Hold, taking: Taking) -> None:
    """The first admission of a key makes its counter."""
    update.require(IS_NEW.format(id=update.name("id")))
    begin_window(update, "requests", taking.requests, counted=1, held=0)
    begin_window(update, "minute_tokens", taking.minute_tokens, counted=0, held=hold.tokens)
    begin_window(update, "day_tokens", taking.day_tokens, counted=0, held=hold.tokens)
    update.set(update.name("period"), update.value({"S": taking.period}))
    update.set(update.name("used"), update.number(hold.amount))
    update.set(update.name("holds"), update.value({"M": {request_id: _hold_value(hold)}}))


def _take(update: Update, hold: Hold, taking: Taking, limits: Limits, seen: Counter) -> None:
    for name, counted, held, limit in (
        ("requests", 1, 0, limits.rpm),
        ("minute_tokens", 0, hold.tokens, limits.tpm),
        ("day_tokens", 0, hold.tokens, limits.tpd),
    ):
        was, rolled = getattr(seen, name), getattr(taking, name)
        take_in_window(update, name, was, rolled, counted=counted, held=held, limit=limit)
    period, used = update.name("period"), update.name("used")
    update.require(SAME_PERIOD.format(period=period, value=update.value({"S": seen.period})))
    if taking.period == seen.period:
        update.add(used, hold.amount)
        if limits.budget is not None:
            room = update.number(limits.budget - hold.amount)
            update.require(BUDGET_COVERS.format(used=used, room=room))
    else:
        update.set(period, update.value({"S": taking.period}))
        update.set(used, update.number(hold.amount))


def _settling(request_id: str, hold: Hold, charge: Charge, *, same_period: bool) -> Update:
    update = Update()
    path = f"{update.name('holds')}.{update.name(request_id)}"
    update.require(HOLD_IS_AS_SEEN.format(hold=path, seen=update.value(_hold_value(hold))))
    period = SAME_PERIOD if same_period else OTHER_PERIOD
    update.require(period.format(period=update.name("period"), value=update.value({"S": hold.period})))
    if same_period:
        update.add(update.name("used"), charge.cost - hold.amount)
    for name in ("minute_tokens", "day_tokens"):
        update.add(update.name(f"{name}_total"), charge.tokens - hold.tokens)
        update.add(update.name(f"{name}_now"), charge.tokens)
    update.remove(path)
    return update


def _key(key_id: str) -> Item:
    return {"id": {"S": LEAD + key_id}}


def _hold_value(hold: Hold) -> dict[str, Any]:
    return {"S": f"{hold.amount} {hold.tokens} {hold.expires_at} {hold.period}"}


def _hold_of(value: Mapping[str, Any]) -> Hold:
    amount, tokens, expires_at, period = value["S"].split(" ")
    return Hold(int(amount), int(tokens), int(expires_at), period)


def counter_of(item: Item) -> Counter:
    """The counter of a key's item."""
    return Counter(
        requests=window_of(item, "requests"),
        minute_tokens=window_of(item, "minute_tokens"),
        day_tokens=window_of(item, "day_tokens"),
        period=item["period"]["S"],
        used=int(item["used"]["N"]),
        holds={name: _hold_of(value) for name, value in item["holds"]["M"].items()},
        last_used_at=int(item["last_used_at"]["N"]),
        corrections=int(item["corrections"]["N"]) if "corrections" in item else 0,
    )

"""The counters table: what each key has used and holds, one item a key.

Every write is one conditional UpdateItem, safe to repeat. What the item is made of is in ``stores.counter_items``.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sluice.accounting.admission import Taking
from sluice.accounting.counter import NOTHING, Charge, Counter, Hold, Limits
from sluice.accounting.windows import DAY, MINUTE, empty
from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.stores.aws import AWS, ConditionFailedError, Item, UnansweredError
from sluice.stores.counter_items import (
    BUDGET_COVERS,
    HOLD_IS_AS_SEEN,
    IS_NEW,
    SAME_PERIOD,
    admitting,
    counter_of,
    hold_value,
    settling,
)
from sluice.stores.pages import items_of
from sluice.stores.updates import Update, begin_window

__all__ = ["CounterStore", "LostRaceError", "counter_of"]

LEAD = "key#"

SETTLE_ATTEMPTS = 4

SHAPES = {"requests": MINUTE, "minute_tokens": MINUTE, "day_tokens": DAY}
"""The windows, and their shapes."""

BATCH = 100
"""As many items as DynamoDB reads in one call."""

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

        An attempt that was given up may be carried out when the request is long settled. So each attempt has an expiry
        of its own, a second after the one before, and the ledger tells by it which of them was settled.

        Returns:
            The counter then; the hold in it is the one to be settled.

        Raises:
            LostRaceError: the counter is not as the decision supposed. If it has this very hold, but for its expiry,
                an earlier attempt of this call went through.
        """

        def update_of(attempt: int) -> Update:
            held = replace(hold, expires_at=hold.expires_at + attempt)
            return admitting(request_id, held, taking, limits, now)

        return await self._write_anew(key_id, update_of)

    async def settle(self, key_id: str, request_id: str, hold: Hold, charge: Charge) -> Counter | None:
        """End a hold: give back what was not used. Nothing happens if it has ended already.

        Money of a period that is over is not given back: the new one never counted it. If the request has a hold of
        another attempt to admit it, all of that is given back.

        Returns:
            The counter then; None if there is none.
        """
        same_period = True
        for _ in range(SETTLE_ATTEMPTS):
            try:
                return await self._write(key_id, settling(request_id, hold, charge, same_period=same_period))
            except LostRaceError as error:
                counter = error.counter
            standing = counter.holds.get(request_id) if counter else None
            if counter is None or standing is None:
                return counter
            if standing.expires_at != hold.expires_at:
                charge = NOTHING
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
        update.require(HOLD_IS_AS_SEEN.format(hold=path, seen=update.value(hold_value(hold))))
        update.require(SAME_PERIOD.format(period=period, value=update.value({"S": hold.period})))
        if limits.budget is not None:
            update.require(BUDGET_COVERS.format(used=used, room=update.number(limits.budget - more)))
        update.set(path, update.value(hold_value(extended)))
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
        """Every key's id and counter, for schedules and operators. One that is malformed is in the log only."""
        async for item in items_of(
            self._dynamodb,
            "Scan",
            TableName=self._table,
            ConsistentRead=True,
            FilterExpression="begins_with(#id, :lead)",
            ExpressionAttributeNames={"#id": "id"},
            ExpressionAttributeValues={":lead": {"S": LEAD}},
        ):
            key_id = item["id"]["S"].removeprefix(LEAD)
            try:
                counter = counter_of(item)
            except (KeyError, ValueError):
                logger.exception("the counter of key %s is malformed", key_id)
                continue
            yield key_id, counter

    async def _write(self, key_id: str, update: Update) -> Counter:
        return await self._write_anew(key_id, lambda _: update)

    async def _write_anew(self, key_id: str, update_of: Callable[[int], Update]) -> Counter:
        """Make a write, with an update of its own for each attempt."""
        try:
            reply = await self._dynamodb.call_anew(
                "UpdateItem",
                lambda attempt: {
                    "TableName": self._table,
                    "Key": _key(key_id),
                    "ReturnValues": "ALL_NEW",
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    **update_of(attempt).members(),
                },
            )
        except ConditionFailedError as error:
            # Some engines do not give the item back, so that none may also mean that they did not look.
            counter = counter_of(error.item) if error.item else await self._read_after_failure(key_id)
            raise LostRaceError(counter) from error
        return counter_of(reply["Attributes"])

    async def _read_after_failure(self, key_id: str) -> Counter | None:
        try:
            return await self.read(key_id)
        except OverloadedError as error:
            # The write may have failed because an earlier attempt of it went through.
            raise UnansweredError(error.message, retry_after=error.retry_after) from error


def _key(key_id: str) -> Item:
    return {"id": {"S": LEAD + key_id}}

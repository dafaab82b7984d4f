"""Adds up what the ledger's stream delivers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sluice.observability import logger
from sluice.stores.ledger_rows import LedgerRow, MalformedRowError, row_of
from sluice.stores.usage import PartlyAddedError, UsageStore
from sluice.stores.usage_items import usage_key_of

NEW = "INSERT"
"""Rows are never changed; what else the stream tells of them is that they were marked."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row that the stream delivers, and its place in the stream."""

    sequence_number: str
    row: LedgerRow


async def roll_up(usage: UsageStore, event: Mapping[str, Any]) -> str | None:
    """Add the new rows of a stream's event to the usage table; those that were added before are left out.

    Args:
        usage: has the sums.
        event: as Lambda hands it to a function.

    Returns:
        The sequence number from which on the stream has to deliver again, None if that is not needed.
    """
    deliveries = deliveries_of(event)
    try:
        await usage.add(delivery.row for delivery in deliveries)
    except PartlyAddedError as error:
        logger.warning("%s: the stream delivers them again", error)
        left = set(error.left)
        return next(delivery.sequence_number for delivery in deliveries if delivery.row in left)
    return None


def deliveries_of(event: Mapping[str, Any]) -> Sequence[Delivery]:
    """The new rows in an event, in the stream's order.

    What is no row is logged by its key and passed over: it would be no row the next time either, and hold up all
    that come after it.
    """
    found = []
    for record in event["Records"]:
        if record["eventName"] != NEW:
            continue
        change = record["dynamodb"]
        try:
            row = row_of(change.get("NewImage", {}))
            usage_key_of(row)
        except MalformedRowError as error:
            logger.error("the ledger has an item that cannot be added up, %s: %s", change["Keys"], error)
        else:
            found.append(Delivery(change["SequenceNumber"], row))
    return found

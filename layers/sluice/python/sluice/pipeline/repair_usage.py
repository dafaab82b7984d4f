"""Adds up what the ledger has and its sums have not: rows whose place in the stream is gone.

Each row says by a mark whether it is in a sum, and the mark and the sum are one transaction (``stores.usage``). So it
does no harm to do this as often as one likes, beside the stream, or to rows that it would have delivered later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sluice.observability import logger
from sluice.stores.ledger import LedgerStore
from sluice.stores.ledger_rows import LedgerRow, MalformedRowError, row_of
from sluice.stores.usage import UsageStore
from sluice.stores.usage_items import usage_key_of

BATCH: Final = 500
"""Rows that are added up at a time: those of one key and model share a write."""


@dataclass(slots=True)
class Repair:
    """What was done.

    Attributes:
        added: rows that had no mark, and have it now, by whoever was faster.
        malformed: keys and request ids of items that belong to no sum.
    """

    added: int = 0
    malformed: list[tuple[str, str]] = field(default_factory=list)


async def repair_usage(ledger: LedgerStore, usage: UsageStore) -> Repair:
    """Add up all rows that are not.

    Raises:
        OverloadedError: the ledger could not be read to its end. Another attempt goes on with what is left.
        PartlyAddedError: rows could not be added up; as above.
    """
    repair = Repair()
    rows: list[LedgerRow] = []
    async for item in ledger.not_added_up():
        try:
            row = row_of(item)
            usage_key_of(row)
        except MalformedRowError as error:
            key_id, request_id = item["key_id"]["S"], item["request_id"]["S"]
            logger.warning(
                "the ledger has an item that cannot be added up, %s %s: %s", key_id, request_id, error
            )
            repair.malformed.append((key_id, request_id))
            continue
        rows.append(row)
        if len(rows) == BATCH:
            await _add(usage, rows, repair)
            rows = []
    await _add(usage, rows, repair)
    return repair


async def _add(usage: UsageStore, rows: Sequence[LedgerRow], repair: Repair) -> None:
    await usage.add(rows)
    repair.added += len(rows)

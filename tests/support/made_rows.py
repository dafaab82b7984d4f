"""Ledger rows for tests, and what they ought to add up to."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sluice.stores.aws import AWS
from sluice.stores.ledger_rows import LedgerRow, item_of

NOON = 1_795_262_400_000
"""2026-11-21, 12:00 UTC, in milliseconds."""

SUMMED = (
    "prompt_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "searches",
    "images",
    "seconds",
    "cost",
    "estimated",
)

BATCH = 25

type Sums = dict[tuple[str, str, str, str], dict[str, int]]
"""By owner, day, key and model: the number of requests, and the sums of the attributes above."""


def ledger_row(request_id: str, **members: Any) -> LedgerRow:
    """The row of a request that went well, ``members`` aside."""
    defaults: dict[str, Any] = {
        "key_id": "key_a",
        "request_id": request_id,
        "period": "lifetime",
        "status": "complete",
        "settled_at": NOON,
        "cost": 7,
        "owner": "ann",
        "model": "gpt-4o-mini",
        "provider": "openai",
        "prompt_tokens": 3,
        "completion_tokens": 5,
    }
    return LedgerRow(**(defaults | members))


async def put_rows(aws: AWS, rows: Sequence[LedgerRow], table: str = "LedgerTable") -> None:
    """Write rows, as many in one call as can be."""
    for start in range(0, len(rows), BATCH):
        puts = [{"PutRequest": {"Item": item_of(row)}} for row in rows[start : start + BATCH]]
        await aws.dynamodb.call("BatchWriteItem", RequestItems={table: puts})


def sums_of(rows: Iterable[LedgerRow]) -> Sums:
    """What rows add up to, by a second way of adding up."""
    found: Sums = defaultdict(lambda: dict.fromkeys(("requests", *SUMMED), 0))
    for row in rows:
        if row.status == "lost":
            continue
        day = datetime.fromtimestamp(row.settled_at // 1000, UTC).strftime("%Y-%m-%d")
        sums = found[row.owner, day, row.key_id, row.model]
        sums["requests"] += 1
        for name in SUMMED:
            sums[name] += getattr(row, name)
    return dict(found)


def sums_in(items: Iterable[dict[str, Any]]) -> Sums:
    """What the items of the usage table say, read without the code under test."""
    found: Sums = {}
    for item in items:
        day, key_id, model = item["day_key_model"]["S"].split("#", 2)
        found[item["owner"]["S"], day, key_id, model] = {
            name: int(item[name]["N"]) for name in ("requests", *SUMMED)
        }
    return found

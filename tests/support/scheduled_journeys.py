"""What the functions do that a schedule calls, or a stream."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from account import until
from answering_journeys import leave_hold
from function_handlers import sample_events
from function_site import Site
from made_rows import ledger_row
from recorded_calls import forgetful_tables
from sluice.accounting.counter import Counter, Hold
from sluice.stores.counters import CounterStore
from sluice.stores.ledger_rows import LedgerRow, item_of

EARLIER = "2026-01"
"""A period that is over: its holds are found otherwise than they are first looked for."""


async def use_schedules(site: Site) -> None:
    """Providers are asked: one that lists its models, one that is not there, one whose credential is not set."""
    await site.tell("SyncCatalogFunction", sample_events("sync_catalog")["scheduled"])
    await site.tell("CheckHealthFunction", sample_events("check_health")["scheduled"])


async def use_stream(site: Site) -> None:
    """Rows are added up; they come twice, as streams have it."""
    rows = [ledger_row(f"req_{number:032x}", key_id=site.key.id) for number in range(3)]
    for row in rows:
        await site.ledger.put(row)
    for _ in range(2):
        reply = await site.tell("RollUpUsageFunction", {"Records": [_record(row) for row in rows]})
        assert reply == {"batchItemFailures": []}


async def use_comparing(site: Site) -> None:
    """Counters are compared with the ledger: first after a deployment, then each day, from where the last run stopped."""
    events = sample_events("reconcile_budgets")
    for name in ("deployed", "scheduled"):
        found = await site.tell("ReconcileBudgetsFunction", events[name])
        assert found["reconciled"] >= 1, found
    with _restless_counters():
        found = await site.tell("ReconcileBudgetsFunction", events["scheduled"])
        # Either: what other journeys leave is held by no request.
        assert found["busy"] + found["differences"] >= 1, found


@contextmanager
def _restless_counters() -> Iterator[None]:
    """Each time that a counter is read another request holds something of it."""
    read = CounterStore.read

    async def moved(counters: CounterStore, key_id: str) -> Counter | None:
        counter = await read(counters, key_id)
        if counter is None:
            return None
        hold = Hold(0, 0, int(time.time()) + 900, counter.period)
        return replace(counter, holds={**counter.holds, f"req_{time.time_ns():032x}": hold})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CounterStore, "read", moved)
        yield


def _record(row: LedgerRow) -> dict[str, object]:
    return {
        "eventID": row.request_id,
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"SequenceNumber": row.request_id, "NewImage": item_of(row)},
    }


async def use_reclaiming(site: Site) -> None:
    """The hold of a request that was never settled, and of one that was settled and never given back."""
    lost, settled = (f"req_{time.time_ns() + number:032x}" for number in range(2))
    for request_id in (lost, settled):
        await leave_hold(site, request_id, int(time.time()) - 60, EARLIER)
    await site.ledger.put(ledger_row(settled, key_id=site.key.id))
    with forgetful_tables():
        await site.tell("ReclaimHoldsFunction", sample_events("reclaim_holds")["scheduled"])

    async def are_gone() -> bool:
        counter = await site.counters.read(site.key.id)
        return counter is not None and not {lost, settled} & counter.holds.keys()

    await until(are_gone, "expired holds stay")

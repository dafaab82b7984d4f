"""Ends, on a schedule, the holds that dead processes have left with keys that nobody uses any more."""

import asyncio
import time
from contextlib import closing
from typing import Any

from sluice.config import AccountingSettings
from sluice.pipeline.reclaim import Reclaimer
from sluice.stores.aws import AWS
from sluice.stores.counters import CounterStore
from sluice.stores.ledger import LedgerStore


def handler(_event: dict[str, Any], _context: object) -> None:
    """Reclaim the expired holds of all keys; the event says no more than that it is time."""
    asyncio.run(_reclaim())


async def _reclaim() -> None:
    settings = AccountingSettings.from_environment()
    with closing(AWS()) as aws:  # its connections end with the loop that they were opened in
        counters = CounterStore(aws, settings.counters_table)
        ledger = LedgerStore(aws, settings.ledger_table)
        await Reclaimer(counters, ledger, clock=time.time).reclaim_all()

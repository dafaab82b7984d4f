"""Proves on a schedule that keys' counters say what their ledgers and holds say, and that no budget is exceeded."""

import asyncio
import time
from contextlib import closing
from dataclasses import asdict
from typing import Any

from sluice.config import ReconcileSettings
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.reconcile import Reconciler
from sluice.pipeline.reconcile_run import ReconcileRun
from sluice.stores.aws import AWS
from sluice.stores.counters import CounterStore
from sluice.stores.keys import KeyStore
from sluice.stores.ledger import LedgerStore
from sluice.stores.reconcile_place import ReconcilePlace


def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Compare all keys, or go on with those that are left; the reply says how many, and what was found of them."""
    return asyncio.run(_reconcile())


async def _reconcile() -> dict[str, int]:
    settings = ReconcileSettings.from_environment()
    with closing(AWS()) as aws:  # its connections end with the loop that they were opened in
        counters = CounterStore(aws, settings.counters_table)
        ledger = LedgerStore(aws, settings.ledger_table)
        keys = KeyStore(aws, settings.keys_table)
        reclaimer = Reclaimer(counters, ledger, clock=time.time)
        reconciler = Reconciler(keys, counters, ledger, reclaimer, clock=time.time)
        return asdict(await ReconcileRun(reconciler, ReconcilePlace(aws, settings.counters_table)).run())

"""sluice reconcile: whether every key's counter says what its ledger and its holds say."""

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from sluice.cli.reconcile_rendering import Report, report_lines, report_object
from sluice.cli.rendering import as_json, say
from sluice.cli.target import JSON, Local, Stack, State, target_of
from sluice.local.state import DIRECTORY
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.reconcile import Finding, Reconciler


def reconcile(
    key: Annotated[str | None, typer.Option(metavar="ID", help="Only this key.")] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Reclaim expired holds, and set right the counters that are wrong."),
    ] = False,
    local: Local = False,
    stack: Stack = None,
    state: State = DIRECTORY,
    json: JSON = False,
) -> None:
    """Prove that each key's counter equals its ledger plus its holds.

    Requests may go on meanwhile. A key that is never at rest while it is read is told as busy, unless its counter is
    further from its ledger than they can have moved it.

    Exit code 0: all counters are right, or were set right. 1: some are not, or are of busy keys, or a budget was
    exceeded.
    """

    async def read() -> Sequence[Finding]:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            counters, ledger = stores.counters, stores.ledger
            reclaimer = Reclaimer(counters, ledger, clock=time.time)
            reconciler = Reconciler(stores.keys, counters, ledger, reclaimer, clock=time.time)
            if key is not None:
                return [await reconciler.one(key, repair=repair)]
            return await reconciler.all(repair=repair)

    report = Report.of(asyncio.run(read()))
    say(as_json(report_object(report)) if json else "\n".join(report_lines(report)))
    if not report.all_right:
        raise typer.Exit(1)

"""Compares counters with the ledger on a schedule: as many keys as there is time for, and the others the next time.

A key's whole ledger is read, so that it depends on the ledgers how many keys one run gets through. They have their turn
in the order of their ids, beginning where the last run stopped, so that each has it however many there are; what a run
did not get to, it says. Nothing is ever repaired here: a difference is a fault, and somebody has to look at it.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from typing import Final, assert_never

from sluice.metrics import Reconciling, count_reconciling
from sluice.observability import logger
from sluice.pipeline.reconcile import AT_ONCE, Busy, Different, Equal, Finding, Reconciler
from sluice.stores.keys import KeyRecord
from sluice.stores.reconcile_place import ReconcilePlace

SECONDS: Final = 840.0
"""How long keys are read in one run. The function's timeout leaves it a minute more, to list them and to say so."""


class UnreadError(Exception):
    """Some keys could not be read. The log says which, and why."""


@dataclass(slots=True)
class _Progress:
    """What has come of keys, by their ids."""

    findings: dict[str, Finding] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    @property
    def finished(self) -> Set[str]:
        return self.findings.keys() | self.failed


class ReconcileRun:
    """One run.

    Args:
        reconciler: compares one key.
        place: where to go on.
        seconds: how long keys are read.
    """

    def __init__(self, reconciler: Reconciler, place: ReconcilePlace, seconds: float = SECONDS) -> None:
        self._reconciler = reconciler
        self._place = place
        self._seconds = seconds

    async def run(self) -> Reconciling:
        """Compare keys until all are done or the time is over; what was found goes into the log and the metrics.

        Raises:
            UnreadError: of some keys nothing is known because reading them failed.
            OverloadedError: the keys could not be listed, or the place not be read or written.
        """
        keys = await self._reconciler.keys()
        after = await self._place.read()
        order = _in_turn(list(keys), after)
        progress = await self._compared(order, keys)
        for finding in progress.findings.values():
            _tell(finding)
        found = _summed_up(progress.findings.values(), len(order))
        if found.differences or found.exceeded or found.busy or found.left:  # else the metrics say it all
            logger.info("reconciled", extra={"reconciled": asdict(found) | {"after": after}})
        count_reconciling(found)
        await self._place.write(_next_place(order, progress.finished))
        if progress.failed:
            raise UnreadError(f"{len(progress.failed)} key(s) could not be compared with the ledger")
        return found

    async def _compared(self, order: Sequence[str], keys: Mapping[str, KeyRecord | None]) -> _Progress:
        waiting = deque(order)
        progress = _Progress()

        async def work() -> None:
            while waiting:
                key_id = waiting.popleft()
                try:
                    progress.findings[key_id] = await self._reconciler.key(key_id, keys[key_id], repair=False)
                except Exception:  # whatever it is, the next key has nothing to do with it
                    logger.exception("key %s could not be compared with its ledger", key_id)
                    progress.failed.add(key_id)

        try:
            async with asyncio.timeout(self._seconds), asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(work())
        except TimeoutError:
            logger.warning("the time is over before all keys are compared; the next run goes on")
        return progress


def _in_turn(key_ids: Sequence[str], after: str | None) -> list[str]:
    """Key ids, in order, those after a place before those up to it."""
    if after is None:
        return list(key_ids)
    return [each for each in key_ids if each > after] + [each for each in key_ids if each <= after]


def _next_place(order: Sequence[str], finished: Set[str]) -> str | None:
    """The last key before the first one that is not finished; None where all are."""
    done = list(itertools.takewhile(finished.__contains__, order))
    if len(done) == len(order):
        return None
    if done:
        return done[-1]
    # It had all the time that there is. Others must not wait for it for ever.
    logger.error("the ledger of key %s is too long to be read in one run; it is passed over", order[0])
    return order[0]


def _tell(finding: Finding) -> None:
    match finding:
        case Busy():
            logger.info("key %s is busy: it was used each time it was read", finding.key_id)
        case Different(balance=balance):
            amounts = {**asdict(balance), "due": balance.due, "excess": balance.excess}
            logger.error(
                "the counter of key %s differs from its ledger and its holds, in nano-USD",
                finding.key_id,
                extra={"difference": {"key_id": finding.key_id, **amounts}},
            )
        case Equal():
            pass
        case unknown:
            assert_never(unknown)
    if finding.over_budget:
        logger.error(
            "key %s has spent and holds %d nano-USD more than its budget", finding.key_id, finding.over_budget
        )


def _summed_up(findings: Collection[Finding], keys: int) -> Reconciling:
    busy = sum(isinstance(finding, Busy) for finding in findings)
    return Reconciling(
        differences=sum(isinstance(finding, Different) for finding in findings),
        exceeded=sum(finding.over_budget > 0 for finding in findings),
        reconciled=len(findings) - busy,
        busy=busy,
        left=keys - len(findings),
    )

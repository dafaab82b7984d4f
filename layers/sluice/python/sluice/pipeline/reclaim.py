"""Ends the holds of processes that are dead.

A hold whose request has a ledger row settles to that row's cost. One that has none is first given a row that says so
and charges nothing; from then on whoever else would settle the request, however late, finds that row in its place. So
a hold ends once, whether its own process or one or several others see to it.
"""

import random
from collections.abc import Callable, Mapping

from sluice.accounting.counter import NOTHING, Charge, Counter, Hold
from sluice.metrics import count_reclaimed
from sluice.observability import logger
from sluice.stores.counters import CounterStore
from sluice.stores.ledger import LedgerStore
from sluice.stores.ledger_rows import LedgerRow

AT_ONCE = 8
"""How many holds a request reclaims on its way; the schedule reclaims all."""


class IncompleteError(Exception):
    """Of some keys not all expired holds could be ended. The log says of which, and why."""


class Reclaimer:
    """Reclaims expired holds.

    Args:
        counters: has the holds.
        ledger: has the rows.
        clock: epoch seconds.
    """

    def __init__(self, counters: CounterStore, ledger: LedgerStore, *, clock: Callable[[], float]) -> None:
        self._counters = counters
        self._ledger = ledger
        self._clock = clock

    async def reclaim(self, key_id: str, holds: Mapping[str, Hold]) -> None:
        """End those of a key's holds that have expired; a request that is alive may have the others.

        Raises:
            OverloadedError: not all could be ended. Another attempt does no harm.
        """
        ended: list[str] = []
        try:
            await self._end(key_id, holds, ended)
        finally:
            count_reclaimed(len(ended))

    async def reclaim_all(self) -> int:
        """Reclaim the expired holds of all keys, whatever becomes of one of them; how many there were.

        Raises:
            IncompleteError: not all could be ended. Another attempt does no harm.
            OverloadedError: the counters could not be read.
        """
        failed_keys = 0
        ended: list[str] = []
        try:
            async for key_id, counter in self._counters.scan():
                expired = counter.expired(self._clock())
                try:
                    await self._end(key_id, expired, ended)
                except Exception:  # whatever it is, the next key's holds have nothing to do with it
                    logger.exception("the expired holds of key %s could not be reclaimed", key_id)
                    failed_keys += 1
        finally:
            count_reclaimed(len(ended))
        holds = len(ended)
        logger.info("reclaimed", extra={"reclaimed": {"holds": holds, "failed_keys": failed_keys}})
        if failed_keys:
            raise IncompleteError(f"not all expired holds of {failed_keys} key(s) could be reclaimed")
        return holds

    async def reclaim_seen(self, key_id: str, counter: Counter) -> None:
        """Reclaim some of what has expired of a counter as it was seen.

        No more than a request can bear, and not all processes that see it the same: a crash may leave hundreds.
        """
        expired = list(counter.expired(self._clock()).items())
        if expired:
            await self.reclaim(key_id, dict(random.sample(expired, min(len(expired), AT_ONCE))))

    async def _end(self, key_id: str, holds: Mapping[str, Hold], ended: list[str]) -> None:
        """End those holds that have expired, and note the requests that they were of, one by one."""
        now = self._clock()
        for request_id, hold in holds.items():
            if hold.expires_at > now:
                continue
            row = await self._ledger.put(_lost(key_id, request_id, hold, now))
            await self._counters.settle(
                key_id, request_id, hold, charge_of(row) if row.settles(hold) else NOTHING
            )
            ended.append(request_id)
            logger.warning("an expired hold of key %s is reclaimed: %s, %s", key_id, request_id, row.status)


def charge_of(row: LedgerRow) -> Charge:
    """What a row takes from its key's limits and budget."""
    return Charge(row.cost, row.prompt_tokens + row.completion_tokens)


def _lost(key_id: str, request_id: str, hold: Hold, now: float) -> LedgerRow:
    return LedgerRow(
        key_id=key_id,
        request_id=request_id,
        period=hold.period,
        status="lost",
        hold_expires_at=hold.expires_at,
        settled_at=int(now * 1000),
        cost=0,
    )

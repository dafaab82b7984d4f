"""Proves that keys' counters say what the ledger and the holds say.

    counted   the counter's ``used``, of its period
    settled   the cost of that period's rows, but for those whose hold is still there
    held      the amounts of that period's holds

A counter is right where counted = settled + held. A row is written before its hold ends, so that for a while a request
has both: it counts by its hold.

Requests go on while this is read, so the counter is read before its rows and after them. If it is the same, nothing
that costs has moved: an admission adds a hold such as never comes again, settling takes one away, and what was admitted
and settled in between has added its cost. If not, nothing is said of the key, and it is read again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sluice.accounting.counter import Counter
from sluice.accounting.periods import BudgetPeriod, period_at
from sluice.pipeline.reclaim import Reclaimer
from sluice.stores.counters import CounterStore
from sluice.stores.keys import KeyNotFoundError, KeyStore
from sluice.stores.ledger import LedgerStore

ATTEMPTS = 5
"""How often a key is read whose requests go on."""

AT_ONCE = 8
"""How many keys are read at a time."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Both sides of a key's account at an instant at which nothing moved, in nano-USD."""

    period: str
    counted: int | None
    """None where there is no counter: it has been lost, for every admission needs one."""
    settled: int
    held: int

    @property
    def due(self) -> int:
        """What the counter has to say."""
        return self.settled + self.held

    @property
    def excess(self) -> int:
        """What the counter says too much; too little, if negative."""
        return (self.counted or 0) - self.due


@dataclass(frozen=True, slots=True)
class Equal:
    """A key whose counter is right. ``expired_holds``, here and below, are those that were met, reclaimed or not."""

    key_id: str
    expired_holds: int


@dataclass(frozen=True, slots=True)
class Different:
    """A key whose counter was wrong; where ``repaired``, it now says what it has to."""

    key_id: str
    expired_holds: int
    balance: Balance
    repaired: bool


@dataclass(frozen=True, slots=True)
class Busy:
    """A key of which nothing can be said: its counter moved each time it was read."""

    key_id: str
    expired_holds: int


Finding = Equal | Different | Busy


@dataclass(frozen=True, slots=True)
class _Settled:
    """What the rows of a period add up to, and the epoch second of the latest of all rows, 0 where there are none."""

    cost: int
    last_at: int


class Reconciler:
    """Compares counters with the ledger, and mends them.

    Every method raises ``OverloadedError`` when DynamoDB throttles or cannot be reached.

    Args:
        keys: names the keys that may have lost their counter.
        counters: has what is counted and held.
        ledger: has what is settled.
        reclaimer: ends expired holds, for a repair.
        clock: epoch seconds.
    """

    def __init__(
        self,
        keys: KeyStore,
        counters: CounterStore,
        ledger: LedgerStore,
        reclaimer: Reclaimer,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._counters = counters
        self._ledger = ledger
        self._reclaimer = reclaimer
        self._clock = clock

    async def all(self, *, repair: bool) -> Sequence[Finding]:
        """Every key that has a record or a counter, by id."""
        periods: dict[str, BudgetPeriod | None] = {}
        async for key_id, _ in self._counters.scan():
            periods[key_id] = None
        for record in await self._keys.list():
            periods[record.id] = record.budget_period
        turns = asyncio.Semaphore(AT_ONCE)

        async def in_turn(key_id: str) -> Finding:
            async with turns:
                return await self._key(key_id, periods[key_id], repair=repair)

        return await asyncio.gather(*map(in_turn, sorted(periods)))

    async def one(self, key_id: str, *, repair: bool) -> Finding:
        """One key.

        Raises:
            KeyNotFoundError: it has neither a record nor a counter.
        """
        records = await self._keys.find(key_id)
        if not records and await self._counters.read(key_id) is None:
            raise KeyNotFoundError(key_id)
        return await self._key(key_id, records[0].budget_period if records else None, repair=repair)

    async def _key(self, key_id: str, kind: BudgetPeriod | None, *, repair: bool) -> Finding:
        expired_holds: set[str] = set()
        for _ in range(ATTEMPTS):
            seen = await self._counters.read(key_id)
            expired = seen.expired(self._clock()) if seen else {}
            expired_holds |= expired.keys()
            if expired and repair:
                await self._reclaimer.reclaim(key_id, expired)
                seen = await self._counters.read(key_id)
            # Without a counter, the one that it would count in.
            period = seen.period if seen else period_at(kind, self._clock())
            settled = await self._settled(key_id, period, seen)
            if _standing(await self._counters.read(key_id)) != _standing(seen):
                continue
            balance = Balance(
                period,
                counted=seen.used if seen else None,
                settled=settled.cost,
                held=seen.held if seen else 0,
            )
            if balance.excess == 0:
                return Equal(key_id, len(expired_holds))
            if not repair or await self._repaired(key_id, seen, balance, settled.last_at):
                return Different(key_id, len(expired_holds), balance, repaired=repair)
        return Busy(key_id, len(expired_holds))

    async def _settled(self, key_id: str, period: str, seen: Counter | None) -> _Settled:
        holds = seen.holds if seen else {}
        cost = last_at = 0
        async for row in self._ledger.rows(key_id):
            last_at = max(last_at, row.settled_at // 1000)
            hold = holds.get(row.request_id)
            if row.period == period and (hold is None or not row.settles(hold)):
                cost += row.cost
        return _Settled(cost, last_at)

    async def _repaired(self, key_id: str, seen: Counter | None, balance: Balance, last_at: int) -> bool:
        """Whether the counter could be set right: not if it has another period by now, or someone else has done it."""
        if seen is not None:
            return await self._counters.correct(key_id, seen, -balance.excess)
        return await self._counters.restore(
            key_id, period=balance.period, used=balance.due, last_used_at=last_at, now=self._clock()
        )


def _standing(counter: Counter | None) -> tuple[object, ...] | None:
    """What is another where something that costs has moved."""
    if counter is None:
        return None
    return counter.period, counter.used, counter.holds, counter.corrections

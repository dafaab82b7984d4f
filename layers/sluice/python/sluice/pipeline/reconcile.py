"""Proves that keys' counters say what the ledger and the holds say.

    counted   the counter's ``used``, of its period
    settled   the cost of that period's rows, but for those whose hold is still there
    held      the amounts of that period's holds

A counter is right where counted = settled + held. A row is written before its hold ends, so that for a while a request
has both: it counts by its hold.

Requests go on while this is read, so the counter is read before its rows and after them. If it is the same, nothing
that costs has moved: an admission adds a hold such as never comes again, settling takes one away, and what was admitted
and settled in between has added its cost. If not, it is read again. Of a key that never rests it is still known that

    counted before  ≤  settled + held before    what it was settled to by then is among the rows that are read after
    counted after   ≥  settled + held after     what is among the rows has been added by then, or is held

so that a counter is wrong that is beyond what its requests can have moved.

What is settled and held is also compared with the key's budget, which it never exceeds: not even where the counter is
wrong, for then the budget may have been spent twice.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sluice.accounting.counter import Counter
from sluice.accounting.periods import period_at
from sluice.pipeline.reclaim import Reclaimer
from sluice.stores.counters import CounterStore
from sluice.stores.keys import KeyNotFoundError, KeyRecord, KeyStore
from sluice.stores.ledger import LedgerStore

ATTEMPTS = 5
"""How often a key is read whose requests go on."""

AT_ONCE = 8
"""How many keys are read at a time."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Both sides of a key's account, in nano-USD, at an instant at which nothing moved.

    Of a key that never rests: such that what moved can only have made their difference smaller.
    """

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
    """A key whose counter is right.

    ``expired_holds``, here and below, are those that were met, reclaimed or not; ``over_budget`` is what is spent and
    held beyond the budget, in nano-USD.
    """

    key_id: str
    expired_holds: int
    over_budget: int = 0


@dataclass(frozen=True, slots=True)
class Different:
    """A key whose counter was wrong; where ``repaired``, it now says what it has to.

    That of a key which never rests is not repaired: by how much it is wrong is not known.
    """

    key_id: str
    expired_holds: int
    balance: Balance
    repaired: bool
    over_budget: int = 0


@dataclass(frozen=True, slots=True)
class Busy:
    """A key whose counter moved each time it was read, no further than its requests may have moved it."""

    key_id: str
    expired_holds: int
    over_budget: int = 0


Finding = Equal | Different | Busy


@dataclass(frozen=True, slots=True)
class _Settled:
    """What the rows of a period add up to, in nano-USD.

    Attributes:
        cost: of those without a hold.
        total: of all of them.
        last_at: the epoch second of the latest row of any period, 0 where there are none.
    """

    cost: int
    total: int
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
        keys = await self.keys()
        turns = asyncio.Semaphore(AT_ONCE)

        async def in_turn(key_id: str) -> Finding:
            async with turns:
                return await self.key(key_id, keys[key_id], repair=repair)

        return await asyncio.gather(*map(in_turn, keys))

    async def keys(self) -> Mapping[str, KeyRecord | None]:
        """The ids of all keys that have a record or a counter, in their order, with one of their records."""
        found: dict[str, KeyRecord | None] = {}
        async for key_id, _ in self._counters.scan():
            found[key_id] = None
        for record in await self._keys.list():
            found[record.id] = record
        return dict(sorted(found.items()))

    async def one(self, key_id: str, *, repair: bool) -> Finding:
        """One key.

        Raises:
            KeyNotFoundError: it has neither a record nor a counter.
        """
        records = await self._keys.find(key_id)
        if not records and await self._counters.read(key_id) is None:
            raise KeyNotFoundError(key_id)
        return await self.key(key_id, records[0] if records else None, repair=repair)

    async def key(self, key_id: str, record: KeyRecord | None, *, repair: bool) -> Finding:
        """One key, with one of its records if it has any; all have the same terms."""
        expired_holds: set[str] = set()
        for _ in range(ATTEMPTS):
            seen = await self._counters.read(key_id)
            expired = seen.expired(self._clock()) if seen else {}
            expired_holds |= expired.keys()
            if expired and repair:
                await self._reclaimer.reclaim(key_id, expired)
                seen = await self._counters.read(key_id)
            # Without a counter, the one that it would count in.
            period = (
                seen.period if seen else period_at(record.budget_period if record else None, self._clock())
            )
            settled = await self._settled(key_id, period, seen)
            after = await self._counters.read(key_id)
            balance = Balance(
                period,
                counted=seen.used if seen else None,
                settled=settled.cost,
                held=seen.held if seen else 0,
            )
            if _standing(after) != _standing(seen):
                continue
            over = _over_budget(balance, record)
            if balance.excess == 0:
                return Equal(key_id, len(expired_holds), over)
            if not repair or await self._repaired(key_id, seen, balance, settled.last_at):
                return Different(key_id, len(expired_holds), balance, repair, over)
        if seen is None or after is None or _base(seen) != _base(after):
            return Busy(key_id, len(expired_holds))
        late = await self._late_balance(key_id, settled, after)
        over = _over_budget(late, record)
        if balance.excess <= 0 <= late.excess:
            return Busy(key_id, len(expired_holds), over)
        wrong = balance if balance.excess > 0 else late
        return Different(key_id, len(expired_holds), wrong, repaired=False, over_budget=over)

    async def _late_balance(self, key_id: str, settled: _Settled, after: Counter) -> Balance:
        """The account when its rows were read: those that have been put meanwhile are missing."""
        rows = [(await self._ledger.get(key_id, name), hold) for name, hold in after.holds.items()]
        held_too = sum(
            row.cost
            for row, hold in rows
            if row is not None and row.period == after.period and row.settles(hold)
        )
        return Balance(after.period, after.used, settled.total - held_too, after.held)

    async def _settled(self, key_id: str, period: str, seen: Counter | None) -> _Settled:
        holds = seen.holds if seen else {}
        cost = total = last_at = 0
        async for row in self._ledger.rows(key_id):
            last_at = max(last_at, row.settled_at // 1000)
            if row.period != period:
                continue
            total += row.cost
            hold = holds.get(row.request_id)
            if hold is None or not row.settles(hold):
                cost += row.cost
        return _Settled(cost, total, last_at)

    async def _repaired(self, key_id: str, seen: Counter | None, balance: Balance, last_at: int) -> bool:
        """Whether the counter could be set right: not if it has another period by now, or someone else has done it."""
        if seen is not None:
            return await self._counters.correct(key_id, seen, -balance.excess)
        return await self._counters.restore(
            key_id, period=balance.period, used=balance.due, last_used_at=last_at, now=self._clock()
        )


def _over_budget(balance: Balance, record: KeyRecord | None) -> int:
    budget = None if record is None else record.budget_nano_usd
    return 0 if budget is None else max(0, balance.due - budget)


def _base(counter: Counter) -> tuple[object, ...]:
    """What a counter has to have in common with itself for its requests alone to have moved it."""
    return counter.period, counter.corrections


def _standing(counter: Counter | None) -> tuple[object, ...] | None:
    """What is another where something that costs has moved."""
    if counter is None:
        return None
    return counter.period, counter.used, counter.holds, counter.corrections

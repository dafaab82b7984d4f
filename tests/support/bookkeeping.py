"""Admitting, settling and reconciling over one set of tables, with a clock that stands still until it is set."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

from fake_dynamodb import FakeClient, FakeDynamoDB, aws_with
from key_records import key_record
from sluice.accounting.costs import Rates, TokenCount
from sluice.accounting.demand import Demand
from sluice.accounting.periods import BudgetPeriod
from sluice.pipeline.admit import Admission, Admitter
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.reconcile import Balance, Different, Reconciler
from sluice.pipeline.settle import Outcome, Settler
from sluice.stores.counters import LEAD, CounterStore
from sluice.stores.keys import KeyRecord, KeyStore
from sluice.stores.ledger import LedgerStore
from sluice.stores.ledger_rows import LedgerRow

NOON = 1_795_262_400.0
"""2026-11-21, 12:00 UTC."""
MONTH = "2026-11"

BUDGET = 1_000_000
HOLD_SECONDS = 960.0
ONE_NANO_USD_A_TOKEN = Rates(1, 1, 1, 1, 1, 1)

Event = Callable[[], Coroutine[Any, Any, None]]


class KnownKeys:
    """The keys that there are, as a key store finds them."""

    def __init__(self) -> None:
        self.records: list[KeyRecord] = []

    async def list(self) -> Sequence[KeyRecord]:
        """All records."""
        return self.records

    async def find(self, key_id: str) -> Sequence[KeyRecord]:
        """The records of one key."""
        return [record for record in self.records if record.id == key_id]


class InterruptedClient(FakeClient):
    """Gives other tasks their turn around each call, and has things happen just before a call or just after it.

    ``before`` and ``after`` hold, by operation, what happens at the next calls of it, one at a time.
    """

    def __init__(self, database: FakeDynamoDB) -> None:
        super().__init__(database)
        self.before: dict[str, list[Event]] = {}
        self.after: dict[str, list[Event]] = {}

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """As ``Client.call``."""
        await asyncio.sleep(0)
        if self.before.get(operation):
            await self.before[operation].pop(0)()
        reply = await super().call(operation, **members)
        if self.after.get(operation):
            await self.after[operation].pop(0)()
        await asyncio.sleep(0)
        return reply


class Bookkeeping:
    """The real parts, but for the tables and the list of keys."""

    def __init__(self) -> None:
        self.now = NOON
        self.database = FakeDynamoDB(page_size=3)
        self.client = InterruptedClient(self.database)
        aws = self.counters_aws = aws_with(self.client)
        self.keys = KnownKeys()
        self.counters = CounterStore(aws, "CountersTable")
        self.ledger = LedgerStore(aws, "LedgerTable")
        self.reclaimer = Reclaimer(self.counters, self.ledger, clock=self.clock)
        self.admitter = Admitter(
            self.counters, self.reclaimer, hold_seconds=HOLD_SECONDS, size=10, clock=self.clock
        )
        self.settler = Settler(self.counters, self.ledger, self.reclaimer, clock=self.clock)
        self.reconciler = Reconciler(
            cast("KeyStore", self.keys), self.counters, self.ledger, self.reclaimer, clock=self.clock
        )

    def clock(self) -> float:
        """The time as it is set."""
        return self.now

    async def admit(self, key: KeyRecord, request_id: str, amount: int) -> Admission:
        """Admit a request that holds so many nano-USD, and as many tokens."""
        demand = Demand(amount, 1, 0, adjustable=False, rates=ONE_NANO_USD_A_TOKEN)
        return await self.admitter.admit(key, demand, request_id)

    async def settle(self, admission: Admission, cost: int) -> None:
        """Settle a request to so many nano-USD."""
        tokens = TokenCount(cost, 0)
        await self.settler.settle(admission, Outcome("complete", "demo", "demo", tokens, cost))

    def shift(self, key: KeyRecord, by: int) -> None:
        """Make a counter wrong."""
        counters, name = self.database.tables["CountersTable"], (LEAD + key.id,)
        used = int(counters[name]["used"]["N"]) + by
        counters[name] = counters[name] | {"used": {"N": str(used)}}

    def lose_counter(self, key: KeyRecord) -> None:
        """Have no counter of a key any more."""
        del self.database.tables["CountersTable"][(LEAD + key.id,)]


def key_with_budget(name: str = "test", period: BudgetPeriod = "monthly") -> KeyRecord:
    """A key ``key_<name>`` with more money than a test spends."""
    return key_record(f"sk-{name}", id=f"key_{name}", budget_nano_usd=BUDGET, budget_period=period)


async def key_that_spent(books: Bookkeeping, spent: int, period: BudgetPeriod = "monthly") -> KeyRecord:
    """A key with one settled request."""
    key = key_with_budget(period=period)
    books.keys.records.append(key)
    await books.settle(await books.admit(key, "req_spent", spent + 5), spent)
    return key


def different(
    key: KeyRecord,
    counted: int | None,
    settled: int,
    held: int,
    *,
    period: str = MONTH,
    expired_holds: int = 0,
) -> Different:
    """What is found of a key whose counter is wrong, in nano-USD."""
    return Different(key.id, expired_holds, Balance(period, counted, settled, held), repaired=False)


def ledger_row(key_id: str, request_id: str, cost: int, period: str = MONTH) -> LedgerRow:
    """The row of a whole reply, at so many nano-USD."""
    return LedgerRow(
        key_id=key_id,
        request_id=request_id,
        period=period,
        status="complete",
        settled_at=int(NOON * 1000),
        cost=cost,
    )

"""A key with a budget, and what the tables say of it: the books that must balance."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sluice.accounting.counter import Counter
from sluice.stores.aws import AWS
from sluice.stores.counters import CounterStore
from sluice.stores.keys import KeyRecord
from sluice.stores.ledger import LedgerStore
from sluice.stores.ledger_rows import LedgerRow

POLL_SECONDS = 0.05
GUARD_SECONDS = 20
"""No test waits longer than this for anything; a passing one never comes near."""


@dataclass(frozen=True, slots=True)
class Books:
    """What the tables say of a key at about the same moment: its ledger first, its counter then."""

    rows: tuple[LedgerRow, ...]
    counter: Counter | None

    @property
    def spent(self) -> int:
        """The ledger's sum, in nano-USD."""
        return sum(row.cost for row in self.rows)

    @property
    def used(self) -> int:
        """The counter's, which is what is spent and held."""
        return self.counter.used if self.counter else 0


class Account:
    """A key, and its books in the tables of an engine.

    Args:
        secret: what a client sends.
        record: the key's; it has a lifetime budget.
        aws: the way to the engine, without faults.
    """

    def __init__(self, secret: str, record: KeyRecord, aws: AWS) -> None:
        assert record.budget_nano_usd is not None
        self.secret = secret
        self.id = record.id
        self.names = (record.id, record.digest)
        """By which calls about it can be told: each mentions one of them."""
        self.record = record
        self.budget = record.budget_nano_usd
        self.counters = CounterStore(aws, "CountersTable")
        self.ledger = LedgerStore(aws, "LedgerTable")

    async def books(self) -> Books:
        """The books as they are, which keep the budget at every moment.

        A row has its place in what is used: first as a part of its hold, and then as what is left of that.
        """
        rows = tuple([row async for row in self.ledger.rows(self.id)])
        books = Books(rows, await self.counters.read(self.id))
        assert books.spent <= books.used <= self.budget, (books, self.budget)
        return books

    async def balanced_books(self) -> Books:
        """The books when nothing is held any more, which is waited for: then they balance."""
        await until(self._calm, f"holds of {self.id} stay")
        books = await self.books()
        assert books.used == books.spent, books
        if books.counter is not None:
            tokens = sum(row.prompt_tokens + row.completion_tokens for row in books.rows)
            assert books.counter.day_tokens.total == tokens, books
            assert books.counter.day_tokens.held == 0, books
        return books

    async def expired(self) -> None:
        """Wait until the holds that there are now have expired."""
        books = await self.books()
        holds = books.counter.holds.values() if books.counter else ()
        last = max((hold.expires_at for hold in holds), default=0)
        await until(lambda: _is_past(last), "time stands still")

    async def _calm(self) -> bool:
        counter = await self.counters.read(self.id)
        return counter is None or not counter.holds


@asynccontextmanager
async def watched(accounts: Iterable[Account]) -> AsyncIterator[list[Books]]:
    """Look at the books of accounts all the while, whether they keep their budgets; what was seen is added."""
    seen: list[Books] = []

    async def watch() -> None:
        while True:
            for account in accounts:
                seen.append(await account.books())
                await asyncio.sleep(POLL_SECONDS)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        yield seen
        watching.cancel()


async def until(condition: Callable[[], Awaitable[bool]], complaint: str) -> None:
    """Wait until something is the case."""
    deadline = time.monotonic() + GUARD_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, complaint
        await asyncio.sleep(POLL_SECONDS)


async def noted(case: Awaitable[None], name: str) -> None:
    """One of many cases at once; if it fails, its failure names it."""
    try:
        await case
    except Exception as error:
        error.add_note(name)
        raise


async def _is_past(epoch_second: int) -> bool:
    return time.time() > epoch_second

"""Admissions over the tables in memory (``bookkeeping``), and what they call."""

import contextlib
from collections.abc import Awaitable, Sequence

from bookkeeping import HOLD_SECONDS, ONE_NANO_USD_A_TOKEN, Bookkeeping
from sluice.accounting.demand import Demand
from sluice.errors import SluiceError
from sluice.pipeline.admit import Admission, Admitter
from sluice.stores.keys import KeyRecord

READ, WRITE = "GetItem", "UpdateItem"


def demand(tokens: int, *, output: int = 0, adjustable: bool = False) -> Demand:
    """A request that costs a nano-USD for each token."""
    return Demand(tokens, 1, output, adjustable=adjustable, rates=ONE_NANO_USD_A_TOKEN)


async def admitted(books: Bookkeeping, key: KeyRecord, name: str, tokens: int = 10) -> Admission:
    """Admit a request of so many tokens."""
    return await books.admitter.admit(key, demand(tokens), name)


def another(books: Bookkeeping) -> Admitter:
    """The admissions of another environment."""
    return Admitter(books.counters, books.reclaimer, hold_seconds=HOLD_SECONDS, size=10, clock=books.clock)


async def calls_of(books: Bookkeeping, work: Awaitable[object]) -> Sequence[str]:
    """What is called for some work, whatever becomes of it."""
    books.client.calls.clear()
    with contextlib.suppress(SluiceError):
        await work
    return tuple(books.client.calls)

"""The limit of requests a minute that each client address has, whatever it asks for and whoever it is.

The window of each address is remembered as it was last seen, so that a request costs one write and no read. A memory
that is behind costs a failed write, which brings the window as it is; one that is full is refused by without any
write, until the second it falls.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from sluice.accounting.addresses import client_of, full_until
from sluice.accounting.windows import MINUTE, Window, empty
from sluice.config import AddressSettings
from sluice.errors import OverloadedError, RateLimitError
from sluice.stores.addresses import AddressStore, WindowChangedError
from sluice.stores.aws import AWS
from sluice.stores.memory import Memory

ATTEMPTS = 10
"""Each lost race is one that another request won, so many in a row mean a crowd that had better wait."""

PATIENT_ATTEMPTS = 3
PAUSE_SECONDS = 0.005
"""From the third lost race on, each attempt waits for so much longer than the one before. Who begins a slot depends on
what was counted in the last one, so a crowd that still counts there, by a clock that is behind, beats it every time."""

RETRY_AFTER_SECONDS = 1.0

REMEMBERED = 10_000
"""How many clients' windows are remembered; each takes less than 1 KB."""


class RequestCounts(Protocol):
    """Where requests are counted: the table's store."""

    async def count(
        self, client: str, seen: Window | None, rolled: Window, *, limit: int, now: float
    ) -> Window:
        """Count one request, as ``AddressStore.count`` does."""
        ...


class AddressLimiter:
    """Counts requests by client address, and refuses those beyond the limit.

    Args:
        counts: the store.
        limit: requests a minute.
        size: how many clients' windows are remembered.
        clock: epoch seconds.
    """

    def __init__(self, counts: RequestCounts, *, limit: int, size: int, clock: Callable[[], float]) -> None:
        self._counts = counts
        self._limit = limit
        self._clock = clock
        self._seen = Memory[Window](size)
        self._turns = Memory[asyncio.Lock](size)

    async def admit(self, address: str | None) -> None:
        """Count a request, or refuse it.

        Args:
            address: the client's, as the platform saw it; None where it saw none.

        Raises:
            RateLimitError: the client has had its requests of this minute; when it may go on, it says.
            OverloadedError: the request could not be counted.
        """
        client = client_of(address)
        for attempt in range(ATTEMPTS):
            if attempt >= PATIENT_ATTEMPTS:
                await asyncio.sleep(attempt * PAUSE_SECONDS)
            now = self._clock()
            seen = self._seen.get(client)
            slot = MINUTE.slot_at(now)
            rolled = (seen or empty(slot)).rolled(MINUTE, slot)
            until = full_until(rolled, self._limit)
            if until is not None:
                raise self._refusal(until - now)
            if await self._count(client, seen, rolled, now):
                return
        raise OverloadedError(
            "Too many requests of this address at once; try again.", retry_after=RETRY_AFTER_SECONDS
        )

    async def _count(self, client: str, seen: Window | None, rolled: Window, now: float) -> bool:
        """Count a request; False if the window proved to be another one, which is known then."""
        if seen is not None and seen.slot == rolled.slot:
            return await self._write(client, seen, rolled, now)
        # Only one of many can begin a slot; the others of this process need not try, and lose, beside it.
        turn = self._turns.get(client) or self._turns.put(client, asyncio.Lock())
        async with turn:
            if self._seen.get(client) is not seen:
                return False
            return await self._write(client, seen, rolled, now)

    async def _write(self, client: str, seen: Window | None, rolled: Window, now: float) -> bool:
        try:
            window = await self._counts.count(client, seen, rolled, limit=self._limit, now=now)
        except WindowChangedError as error:
            if error.window is None:
                self._seen.forget(client)
            else:
                self._seen.put(client, error.window)
            return False
        known = self._seen.get(client)
        if known is None or (window.slot, window.total) >= (known.slot, known.total):
            self._seen.put(client, window)
        return True

    def _refusal(self, seconds: float) -> RateLimitError:
        return RateLimitError(
            f"The limit of {self._limit} requests a minute from one address is reached; try again.",
            retry_after=seconds,
        )


def open_address_limiter(settings: AddressSettings, aws: AWS) -> AddressLimiter | None:
    """The limiter of a deployment; None where there is no such limit, or AWS WAF sees to it."""
    if settings.ip_rpm == 0:
        return None
    store = AddressStore(aws, settings.counters_table)
    return AddressLimiter(store, limit=settings.ip_rpm, size=REMEMBERED, clock=time.time)

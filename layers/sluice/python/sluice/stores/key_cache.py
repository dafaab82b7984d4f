"""Key records in memory, in front of the table.

Keys that count and keys that do not are remembered apart, so that guesses cannot push out real keys; both are bounded
and both age. Revoked and expired keys are remembered with the unknown ones and for as long: how often the table is read,
which takes longer than not reading it, tells nobody which of them a key is. Requests that ask for the same key at the
same time wait for one read.
"""

import time

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sluice.stores.keys import KeyRecord
from sluice.stores.single_flight import SingleFlight

UNKNOWN_SECONDS = 5.0
"""For keys that do not count. A key is made by an operator and used by a person: nobody misses it for longer."""


class KeySource(Protocol):
    """Where records come from: the table's store."""

    async def get(self, digest: str) -> KeyRecord | None:
        """The record, or None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class _Entry:
    record: KeyRecord | None
    until: float


class _Memory:
    """Entries by digest, the one used longest ago first."""

    def __init__(self, size: int, seconds: float) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._size = size
        self._seconds = seconds

    def get(self, digest: str, now: float) -> _Entry | None:
        entry = self._entries.get(digest)
        if entry is None:
            return None
        if entry.until <= now:
            del self._entries[digest]
            return None
        self._entries.move_to_end(digest)
        return entry

    def put(self, digest: str, record: KeyRecord | None, now: float) -> None:
        if self._seconds <= 0:
            return
        self._entries[digest] = _Entry(record, now + self._seconds)
        self._entries.move_to_end(digest)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)


class KeyCache:
    """Looks keys up by digest.

    Args:
        source: asked on a miss.
        seconds: how long a record is believed; 0 asks each time.
        size: how many records, and how many unknown digests, are remembered.
        clock: monotonic seconds.
        today: epoch seconds, by which keys expire.
    """

    def __init__(
        self,
        source: KeySource,
        *,
        seconds: float,
        size: int,
        clock: Callable[[], float],
        today: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._clock = clock
        self._today = today
        self._known = _Memory(size, seconds)
        self._unknown = _Memory(size, min(seconds, UNKNOWN_SECONDS))
        self._reads = SingleFlight[KeyRecord | None]()

    async def get(self, digest: str) -> KeyRecord | None:
        """The record, at most ``seconds`` old, or None for an unknown key.

        Raises:
            OverloadedError: the table throttles or cannot be reached. Nothing is remembered then.
        """
        now = self._clock()
        entry = self._known.get(digest, now) or self._unknown.get(digest, now)
        if entry is not None:
            return entry.record
        return await self._reads.get(digest, lambda: self._read(digest, now))

    async def _read(self, digest: str, started: float) -> KeyRecord | None:
        record = await self._source.get(digest)
        counts = record is not None and record.usable(int(self._today()))
        (self._known if counts else self._unknown).put(digest, record, started)
        return record

"""When a key was last used, without a write for each request."""

import time
from collections import OrderedDict
from typing import Protocol

from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.stores.keys import KeyRecord

REMEMBERED = 10_000


class UseStore(Protocol):
    """Where uses are written: the keys table's store."""

    async def touch(self, digest: str, now: int, interval: float) -> bool:
        """Write a time of use unless a recent one is there."""
        ...


class LastUse:
    """Writes a key's time of use at most once an interval.

    A record from memory may be behind the table, so what was written is remembered here too, for the keys used last;
    the write itself has a condition, for the other environments' sake.

    Args:
        store: takes the writes.
        interval: seconds.
    """

    def __init__(self, store: UseStore, interval: float) -> None:
        self._store = store
        self._interval = interval
        self._noted: OrderedDict[str, int] = OrderedDict()

    async def note(self, key: KeyRecord) -> None:
        """A key was used now. Comes after the client's last byte; if the write fails, a later request tries again."""
        now = int(time.time())
        noted = max(key.last_used_at or 0, self._noted.get(key.digest, 0))
        if now - noted < self._interval:
            return
        # Before the write, so that requests beside this one do not write as well.
        self._noted[key.digest] = now
        self._noted.move_to_end(key.digest)
        if len(self._noted) > REMEMBERED:
            self._noted.popitem(last=False)
        try:
            await self._store.touch(key.digest, now, self._interval)
        except OverloadedError:
            self._noted.pop(key.digest, None)
            logger.warning("the last use of key %s could not be noted", key.id)

"""Key records for tests, and a table of them that remembers what it was asked."""

import asyncio
from typing import Any

from sluice.keys import digest_of, prefix_of
from sluice.stores.key_cache import KeyCache
from sluice.stores.keys import KeyRecord


def key_record(secret: str, **members: Any) -> KeyRecord:
    """An active key without limits, ``members`` aside."""
    defaults: dict[str, Any] = {
        "digest": digest_of(secret),
        "id": "key_test",
        "name": "test",
        "owner": "tests",
        "prefix": prefix_of(secret),
        "plan": "custom",
        "active": True,
        "created_at": 1,
    }
    return KeyRecord(**(defaults | members))


class FakeKeys:
    """A table in memory. ``gate`` holds every read until it is set."""

    def __init__(self, *records: KeyRecord, error: Exception | None = None) -> None:
        self.records = {record.digest: record for record in records}
        self.error = error
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def get(self, digest: str) -> KeyRecord | None:
        """As the store's."""
        self.asked.append(digest)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.records.get(digest)

    def cache(self, *, seconds: float = 60, size: int = 10, clock: Any = lambda: 0.0) -> KeyCache:
        """A cache in front of this table."""
        return KeyCache(self, seconds=seconds, size=size, clock=clock)

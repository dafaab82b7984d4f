"""The stores that jobs need, the bucket in memory: what is under test is who calls them, and what becomes of a job.

``Interference`` stands before and after each call of theirs, as it does with a provider's: there a test lets a process
die, a service refuse, or a client cancel.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sluice.accounting.counter import Charge, Counter, Hold
from sluice.stores.aws import AWS
from sluice.stores.bucket import Blob, BlobTooLargeError, Bucket, output_key
from sluice.stores.counters import CounterStore
from sluice.stores.job_records import Job, JobState, Output
from sluice.stores.jobs import JobStore
from sluice.stores.ledger import LedgerStore
from sluice.stores.ledger_rows import LedgerRow
from sluice.stores.outputs import OutputStore
from sluice.wire.sigv4 import ReadMethod


async def nothing(_call: str) -> None:
    """Nobody interferes."""


@dataclass(slots=True)
class Interference:
    """What happens around the calls of a task, by their names such as ``bucket.put jobs/…/received/0``."""

    before: Callable[[str], Awaitable[None]] = nothing
    after: Callable[[str], Awaitable[None]] = nothing
    calls: list[str] = field(default_factory=list)

    async def begins(self, call: str) -> None:
        """A call is about to be carried out."""
        self.calls.append(call)
        await asyncio.sleep(0)
        await self.before(call)

    async def ends(self, call: str) -> None:
        """It was."""
        await self.after(call)
        await asyncio.sleep(0)


class MemoryBucket(Bucket):
    """Objects in memory."""

    def __init__(self, interference: Interference | None = None, name: str = "bucket") -> None:
        self.name = name
        self.objects: dict[str, Blob] = {}
        self._around = interference or Interference()

    async def put(self, key: str, blob: Blob) -> None:
        """See ``Bucket``."""
        await self._around.begins(f"bucket.put {key}")
        self.objects[key] = blob
        await self._around.ends(f"bucket.put {key}")

    async def get(self, key: str, most_bytes: int) -> Blob | None:
        """See ``Bucket``."""
        await self._around.begins(f"bucket.get {key}")
        found = self.objects.get(key)
        if found is not None and len(found.content) > most_bytes:
            raise BlobTooLargeError
        return found

    async def size(self, key: str) -> int | None:
        """See ``Bucket``."""
        await self._around.begins(f"bucket.size {key}")
        return len(self.objects[key].content) if key in self.objects else None

    async def delete(self, key: str) -> None:
        """See ``Bucket``."""
        await self._around.begins(f"bucket.delete {key}")
        self.objects.pop(key, None)
        await self._around.ends(f"bucket.delete {key}")

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """See ``Bucket``."""
        await self._around.begins(f"bucket.keys {prefix}")
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield key

    async def link(
        self, key: str, seconds: int, answer: Mapping[str, str], method: ReadMethod = "GET"
    ) -> str:
        """See ``Bucket``."""
        only = "" if method == "GET" else f"&{method}"
        return f"https://bucket.test/{key}?{seconds}&{answer.get('content-type')}{only}"


class MemoryOutputs(OutputStore):
    """Files by their content, and which jobs have them."""

    def __init__(self, bucket: MemoryBucket, interference: Interference | None = None) -> None:
        self.holders: dict[str, set[str]] = {}
        self._objects = bucket.objects
        self._around = interference or Interference()

    async def store(self, job_id: str, digest: str, blob: Blob, expires_at: int) -> None:
        """See ``OutputStore``."""
        await self._around.begins(f"outputs.store {digest}")
        self.holders.setdefault(digest, set()).add(job_id)
        self._objects[output_key(digest)] = blob
        await self._around.ends(f"outputs.store {digest}")

    async def drop(self, job_id: str, digests: Sequence[str]) -> None:
        """See ``OutputStore``."""
        await self._around.begins("outputs.drop")
        for digest in digests:
            holders = self.holders.get(digest, set())
            holders.discard(job_id)
            if not holders:
                self.holders.pop(digest, None)
                self._objects.pop(output_key(digest), None)
        await self._around.ends("outputs.drop")


class WatchedOutputs(OutputStore):
    """Files by their content, whose every call can be interfered with; ``clock`` is in epoch seconds."""

    def __init__(
        self, aws: AWS, bucket: Bucket, interference: Interference, clock: Callable[[], float]
    ) -> None:
        super().__init__(aws, "JobsTable", bucket, clock)
        self._around = interference

    async def store(self, job_id: str, digest: str, blob: Blob, expires_at: int) -> None:
        """See ``OutputStore``."""
        await self._around.begins("outputs.store")
        await super().store(job_id, digest, blob, expires_at)
        await self._around.ends("outputs.store")

    async def drop(self, job_id: str, digests: Sequence[str]) -> None:
        """See ``OutputStore``."""
        await self._around.begins("outputs.drop")
        await super().drop(job_id, digests)
        await self._around.ends("outputs.drop")


class WatchedJobs(JobStore):
    """The jobs table, whose every call can be interfered with."""

    def __init__(self, aws: AWS, interference: Interference) -> None:
        super().__init__(aws, "JobsTable")
        self._around = interference

    async def _watched[Found](self, name: str, call: Coroutine[Any, Any, Found]) -> Found:
        with closing(call):  # one that is not made is no mistake here
            await self._around.begins(f"jobs.{name}")
            found = await call
        await self._around.ends(f"jobs.{name}")
        return found

    async def get(self, job_id: str) -> Job | None:
        """See ``JobStore``."""
        return await self._watched("get", super().get(job_id))

    async def begin(self, job_id: str, now: int) -> Job:
        """See ``JobStore``."""
        return await self._watched("begin", super().begin(job_id, now))

    async def note_output(self, job_id: str, index: int, output: Output) -> Job:
        """See ``JobStore``."""
        return await self._watched("note_output", super().note_output(job_id, index, output))

    async def note_submitting(self, job_id: str, leg: int, now: int) -> Job:
        """See ``JobStore``."""
        return await self._watched("note_submitting", super().note_submitting(job_id, leg, now))

    async def note_rejected(self, job_id: str) -> Job:
        """See ``JobStore``."""
        return await self._watched("note_rejected", super().note_rejected(job_id))

    async def note_submitted(self, job_id: str, leg: int, provider: str, reference: str) -> Job:
        """See ``JobStore``."""
        noted = super().note_submitted(job_id, leg, provider, reference)
        return await self._watched("note_submitted", noted)

    async def note_progress(self, job_id: str, progress: int) -> Job:
        """See ``JobStore``."""
        return await self._watched("note_progress", super().note_progress(job_id, progress))

    async def finish(self, job_id: str, cost: int, provider: str, now: int, notes: int | None = None) -> Job:
        """See ``JobStore``."""
        return await self._watched("finish", super().finish(job_id, cost, provider, now, notes))

    async def fail(self, job_id: str, failure: str, now: int) -> Job:
        """See ``JobStore``."""
        return await self._watched("fail", super().fail(job_id, failure, now))

    async def end(self, job_id: str, state: JobState) -> bool:
        """See ``JobStore``."""
        return await self._watched("end", super().end(job_id, state))


class WatchedCounters(CounterStore):
    """The counters, whose every settlement can be interfered with."""

    def __init__(self, aws: AWS, interference: Interference) -> None:
        super().__init__(aws, "CountersTable")
        self._around = interference

    async def settle(self, key_id: str, request_id: str, hold: Hold, charge: Charge) -> Counter | None:
        """See ``CounterStore``."""
        await self._around.begins("counters.settle")
        found = await super().settle(key_id, request_id, hold, charge)
        await self._around.ends("counters.settle")
        return found


class WatchedLedger(LedgerStore):
    """The ledger, whose every row can be interfered with."""

    def __init__(self, aws: AWS, interference: Interference) -> None:
        super().__init__(aws, "LedgerTable")
        self._around = interference

    async def put(self, row: LedgerRow) -> LedgerRow:
        """See ``LedgerStore``."""
        await self._around.begins("ledger.put")
        found = await super().put(row)
        await self._around.ends("ledger.put")
        return found

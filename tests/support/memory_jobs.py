"""The stores of jobs in memory: what is under test is who calls them, and what becomes of the job then.

``Interference`` stands before and after each call of theirs, as it does with a provider's: there a test lets a process
die, a service refuse, or a client cancel.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sluice.errors import OverloadedError
from sluice.stores.bucket import Blob, BlobTooLargeError, Bucket, output_key
from sluice.stores.job_records import OPEN_STATES, Job, JobKind, JobState, Output
from sluice.stores.jobs import JobOverError, JobStore
from sluice.stores.outputs import OutputStore


async def nothing(_call: str) -> None:
    """Nobody interferes."""


@dataclass(slots=True)
class Interference:
    """What happens around the calls of a task, by their names such as ``bucket.put jobs/…/work/0``."""

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

    async def link(self, key: str, seconds: int, answer: Mapping[str, str]) -> str:
        """See ``Bucket``."""
        return f"https://bucket.test/{key}?{seconds}&{answer.get('content-type')}"


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

    async def drop(self, job_id: str, digests: Sequence[str], now: int) -> None:
        """See ``OutputStore``."""
        await self._around.begins("outputs.drop")
        for digest in digests:
            holders = self.holders.get(digest, set())
            holders.discard(job_id)
            if not holders:
                self.holders.pop(digest, None)
                self._objects.pop(output_key(digest), None)
        await self._around.ends("outputs.drop")


class MemoryJobs(JobStore):
    """Jobs in memory, with the conditions of the table's writes."""

    def __init__(self, interference: Interference | None = None) -> None:
        self.items: dict[str, Job] = {}
        self._around = interference or Interference()

    async def put_new(self, job: Job) -> None:
        """See ``JobStore``."""
        await self._around.begins("jobs.put_new")
        self.items.setdefault(job.id, job)
        await self._around.ends("jobs.put_new")

    async def get(self, job_id: str) -> Job | None:
        """See ``JobStore``."""
        await self._around.begins("jobs.get")
        return self.items.get(job_id)

    async def _change(
        self, call: str, job_id: str, states: Sequence[JobState], change: Callable[[Job], Job]
    ) -> tuple[Job, Job]:
        """The job before and after; a write that finds it in none of these states is refused."""
        await self._around.begins(f"jobs.{call}")
        before = self.items.get(job_id)
        if before is None or before.state not in states:
            raise JobOverError(before)
        after = self.items[job_id] = change(before)
        await self._around.ends(f"jobs.{call}")
        return before, after

    async def begin(self, job_id: str, now: int) -> Job:
        """See ``JobStore``."""

        def begun(job: Job) -> Job:
            return replace(job, state="running", started_at=job.started_at or now)

        return (await self._change("begin", job_id, OPEN_STATES, begun))[1]

    async def note_output(self, job_id: str, index: int, output: Output) -> Job:
        """See ``JobStore``."""

        def noted(job: Job) -> Job:
            known = job.outputs.get(index)
            same = known is not None and known.digest == output.digest
            if output.stored and not same:
                raise OverloadedError("Another attempt has made this file meanwhile; try again.")
            late = same and not output.stored
            return job if late else replace(job, outputs={**job.outputs, index: output})

        return (await self._change("note_output", job_id, ("running",), noted))[1]

    async def note_submitting(self, job_id: str, leg: int, now: int) -> Job:
        """See ``JobStore``."""

        def noted(job: Job) -> Job:
            return job if job.reference else replace(job, leg=leg, submitting_at=now)

        return (await self._change("note_submitting", job_id, ("running",), noted))[0]

    async def note_rejected(self, job_id: str) -> Job:
        """See ``JobStore``."""

        def noted(job: Job) -> Job:
            return job if job.reference else replace(job, leg=None, submitting_at=None)

        return (await self._change("note_rejected", job_id, ("running",), noted))[1]

    async def note_submitted(self, job_id: str, leg: int, provider: str, reference: str) -> Job:
        """See ``JobStore``."""

        def noted(job: Job) -> Job:
            kept = job.reference if job.leg == leg and job.reference else reference
            return replace(job, leg=leg, provider=provider, reference=kept)

        return (await self._change("note_submitted", job_id, ("running",), noted))[1]

    async def note_progress(self, job_id: str, progress: int) -> Job:
        """See ``JobStore``."""

        def noted(job: Job) -> Job:
            return replace(job, progress=max(progress, job.progress))

        return (await self._change("note_progress", job_id, ("running",), noted))[1]

    async def finish(self, job_id: str, cost: int, provider: str, now: int) -> Job:
        """See ``JobStore``."""

        def finished(job: Job) -> Job:
            if job.state != "running":
                return job
            return replace(job, state="finishing", cost=cost, provider=provider, ended_at=now)

        states: tuple[JobState, ...] = ("running", "finishing", "completed")
        return (await self._change("finish", job_id, states, finished))[1]

    async def fail(self, job_id: str, failure: str, now: int) -> Job:
        """See ``JobStore``."""

        def failed(job: Job) -> Job:
            if job.state not in OPEN_STATES:
                return job
            return replace(job, state="failing", failure=failure, ended_at=now)

        states: tuple[JobState, ...] = (*OPEN_STATES, "failing", "failed")
        return (await self._change("fail", job_id, states, failed))[1]

    async def end(self, job_id: str, state: JobState) -> Job | None:
        """See ``JobStore``."""
        await self._around.begins("jobs.end")
        if (job := self.items.get(job_id)) is not None:
            self.items[job_id] = replace(job, state=state)
        await self._around.ends("jobs.end")
        return self.items.get(job_id)

    async def delete(self, job_id: str) -> None:
        """See ``JobStore``."""
        await self._around.begins("jobs.delete")
        job = self.items.get(job_id)
        if job is not None and not job.is_over:
            raise JobOverError(job)
        self.items.pop(job_id, None)
        await self._around.ends("jobs.delete")

    async def of_owner(
        self, owner: str, kind: JobKind, *, after: str | None, limit: int, newest_first: bool
    ) -> tuple[Sequence[Job], bool]:
        """See ``JobStore``."""
        found = [job for job in self.items.values() if (job.owner, job.kind) == (owner, kind)]
        found.sort(key=lambda job: job.created_at, reverse=newest_first)
        position = next((place + 1 for place, job in enumerate(found) if job.id == after), 0)
        return found[position : position + limit], len(found) > position + limit

    async def unfinished(self, before: int) -> AsyncIterator[Job]:
        """See ``JobStore``."""
        for job in list(self.items.values()):
            if job.state in ("finishing", "failing") or (not job.is_over and job.created_at < before):
                yield job

"""A provider calls: what it makes is ready, or will never be. It is not believed, but asked at once.

The machine's token and the call may come in either order, and at the same time. Each leaves a mark in the bucket before
it looks for the other's, so that one of them at least sees both; the machine takes the first wake-up and does not mind
the second. The token lies in the bucket, and nowhere else, because whoever has it can wake the machine.
"""

import hmac
from typing import Protocol

from sluice.errors import NotFoundError
from sluice.pipeline.jobs.request_file import MOST_BYTES, RequestFileError, request_in
from sluice.stores.bucket import Blob, Bucket, job_prefix, request_key
from sluice.stores.job_records import Job, is_job_id
from sluice.stores.jobs import JobOverError, JobStore
from sluice.stores.machines import Machines

MOST_TOKEN_BYTES = 4_096


class CallbackParts(Protocol):
    """What it takes to answer a call: a ``Studio`` has it."""

    @property
    def jobs(self) -> JobStore:
        """Knows the jobs."""
        ...

    @property
    def bucket(self) -> Bucket:
        """Has their requests."""
        ...

    @property
    def machines(self) -> Machines:
        """Wakes theirs."""
        ...


def token_key(job_id: str) -> str:
    """Where the token of a machine that waits lies."""
    return f"{job_prefix(job_id)}received/token"


def called_key(job_id: str) -> str:
    """What is there when the provider has called."""
    return f"{job_prefix(job_id)}received/called"


async def called_back(parts: CallbackParts, job_id: str, secret: str) -> None:
    """A provider has called the address that it was given; for a job that is over this means nothing.

    Raises:
        NotFoundError: no job of that id has such an address: one error, whatever is wrong.
    """
    job = await parts.jobs.get(job_id) if is_job_id(job_id, "video") else None
    wanted = await _secret_of(parts.bucket, job) if job is not None else None
    if (
        job is None
        or wanted is None
        or not hmac.compare_digest(wanted.encode(), secret.encode(errors="replace"))
    ):
        raise NotFoundError("Nothing is here.")
    if job.state != "running":
        return
    await parts.bucket.put(called_key(job.id), Blob(b"1", "text/plain"))
    token = await parts.bucket.get(token_key(job.id), MOST_TOKEN_BYTES)
    if token is not None:
        await parts.machines.task_succeeded(token.content.decode())
    await _clean_if_over(parts, job.id)


async def _secret_of(bucket: Bucket, job: Job) -> str | None:
    blob = await bucket.get(request_key(job.id), MOST_BYTES)
    if blob is None:
        return None
    try:
        return request_in(blob.content).callback_secret
    except RequestFileError:
        return None


async def _clean_if_over(parts: CallbackParts, job_id: str) -> None:
    """What ends a job deletes what it finds; what was put after that is for us to delete."""
    job = await parts.jobs.get(job_id)
    if job is None or job.state != "running":
        await parts.bucket.delete(called_key(job_id))


async def wake_by(token: str, job: Job, bucket: Bucket, machines: Machines, jobs: JobStore) -> None:
    """Have a machine's state woken by its token: when the provider calls, or now if it has called.

    Raises:
        JobOverError: the job has ended meanwhile.
    """
    await bucket.put(token_key(job.id), Blob(token.encode(), "text/plain"))
    now = await jobs.get(job.id)
    if now is None or now.state != "running":
        await bucket.delete(token_key(job.id))
        raise JobOverError(now)
    if await bucket.size(called_key(job.id)) is not None:
        # Taken back first: a call that comes now finds the token.
        await bucket.delete(called_key(job.id))
        await machines.task_succeeded(token)

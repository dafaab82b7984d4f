"""What an owner can do with its jobs. Those of others do not exist, and neither do those that have expired."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sluice.errors import InvalidRequestError, NotFoundError, OverloadedError
from sluice.observability import logger
from sluice.pipeline.jobs.cancelling import ended, stop
from sluice.pipeline.jobs.failure_file import failure_in
from sluice.pipeline.jobs.failures import WORDS, FailureCode
from sluice.pipeline.jobs.request_file import MOST_BYTES, RequestFile, RequestFileError, request_in
from sluice.pipeline.jobs.studio import Studio
from sluice.stores.aws import AWSError
from sluice.stores.bucket import job_prefix, output_key, request_key
from sluice.stores.job_records import Job, JobKind, is_job_id
from sluice.stores.keys import KeyRecord
from sluice.wire.sigv4 import ReadMethod

MOST_LISTED: Final = 100


async def find(studio: Studio, key: KeyRecord, job_id: str, kind: JobKind | None = None) -> Job:
    """A job of the key's owner.

    Args:
        studio: the parts.
        key: the client's.
        job_id: what the client says is a job's id.
        kind: of which it has to be; None for any.

    Raises:
        NotFoundError: there is none, or it is none of this kind, another owner's, or forgotten: one answer for all.
        OverloadedError: the job could not be read.
    """
    job = await studio.jobs.get(job_id) if is_job_id(job_id, kind) else None
    if job is None or job.owner != key.owner or not _is_kept(job):
        raise NotFoundError("There is no such job.")
    return job


async def listed(
    studio: Studio, key: KeyRecord, kind: JobKind, *, after: str | None, limit: int, newest_first: bool
) -> tuple[Sequence[Job], bool]:
    """Some of the owner's jobs by time, those after the one of the id ``after``; and whether there are more.

    Raises:
        InvalidRequestError: ``after`` is no job's id.
        OverloadedError: they could not be read.
    """
    if after is not None and not is_job_id(after, kind):
        raise InvalidRequestError("'after' is not the id of such a job.", param="after")
    limit = max(1, min(limit, MOST_LISTED))
    found: list[Job] = []
    more = True
    while more and len(found) < limit:
        jobs, more = await studio.jobs.of_owner(
            key.owner, kind, after=after, limit=limit, newest_first=newest_first
        )
        found += [job for job in jobs if _is_kept(job)]
        after = jobs[-1].id if jobs else after
    return found[:limit], more or len(found) > limit


async def cancel(studio: Studio, job: Job, code: FailureCode = "cancelled") -> Job:
    """End a job that is not over, unless that was decided before; it costs nothing then.

    The provider of a video is told, where it can be: the tasks would, but their execution is stopped.

    Args:
        studio: the parts.
        job: as it was last seen.
        code: why.

    Returns:
        The job as it is then: one that was being finished is completed.

    Raises:
        OverloadedError: it may be ended, or not.
    """
    job = await ended(studio.closer, job, code)
    await stop(studio.machines, studio.settings.machine_of(job.kind), job.id)
    if job.state == "failed" and job.reference is not None:
        await _given_up(studio, job)
    return job


async def _given_up(studio: Studio, job: Job) -> None:
    # Imported here: few jobs are cancelled.
    from sluice.pipeline.jobs.giving_up import give_up
    from sluice.pipeline.jobs.legs import Reach

    gateway = studio.gateway
    reach = Reach(gateway.models, gateway.credentials, gateway.upstream)
    try:
        request = await request_of(studio, job)
    except (NotFoundError, OverloadedError, AWSError):
        logger.warning("the video of %s could not be cancelled at its provider", job.id, exc_info=True)
        return
    await give_up(reach, job, request, time.time())


async def delete(studio: Studio, job: Job) -> None:
    """Forget a job and what it has made; one that is not over is cancelled first. What it has cost stays charged.

    Raises:
        OverloadedError: not all of it is gone. It can be repeated.
    """
    if not job.is_over:
        with suppress(NotFoundError):
            job = await cancel(studio, job)
    digests = sorted({output.digest for output in job.outputs.values()})
    if digests:
        await studio.outputs.drop(job.id, digests)
    async for key in studio.bucket.keys(job_prefix(job.id)):
        await studio.bucket.delete(key)
    await studio.webhooks.forget(job.id)
    await studio.jobs.delete(job.id)


async def request_of(studio: Studio, job: Job) -> RequestFile:
    """What the client has asked for.

    Raises:
        NotFoundError: the job is being deleted.
        OverloadedError: it could not be read.
    """
    blob = await studio.bucket.get(request_key(job.id), MOST_BYTES)
    if blob is None:
        raise NotFoundError("There is no such job.")
    try:
        return request_in(blob.content)
    except RequestFileError as error:
        logger.error("the request of %s cannot be read", job.id)
        raise NotFoundError("There is no such job.") from error


async def failure_of(studio: Studio, job: Job) -> tuple[str, str]:
    """Why a job has failed: the code, and what the client is told.

    Raises:
        OverloadedError: it could not be read.
    """
    code = job.failure or "server_error"
    found = await failure_in(studio.bucket, job.id)
    if found is not None and found.code == code:
        return code, found.message
    return code, WORDS.get(code, WORDS["server_error"])


async def output_link(studio: Studio, job: Job, index: int, method: ReadMethod = "GET") -> str:
    """An address at which anybody may have a file of a completed job, for a while; where it is pinned, for good.

    It works with one method alone.

    Raises:
        NotFoundError: there is no such file.
        OverloadedError: the address could not be made.
    """
    output = job.outputs.get(index)
    if job.state != "completed" or output is None or not output.stored:
        raise NotFoundError("There is no such file.")
    if output.cid is not None:
        return f"{studio.settings.ipfs_gateway.rstrip('/')}/ipfs/{output.cid}"
    seconds = max(1, min(studio.settings.link_seconds, job.expires_at - int(time.time())))
    answer = {"content-type": output.content_type, "cache-control": f"private, max-age={seconds}, immutable"}
    return await studio.bucket.link(output_key(output.digest), seconds, answer, method)


def _is_kept(job: Job) -> bool:
    """DynamoDB may take days to delete what has expired."""
    return job.expires_at > time.time()

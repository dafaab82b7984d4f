"""Checks what a provider has sent, and stores it for the job under the digest of its bytes.

    note the output ──▶ put the file ──▶ pin it ──▶ note that it is stored ──▶ delete the work object

The note comes first, so that no file is in the bucket of which its job does not know; whatever ends the job deletes the
files that it knows of. A task that died anywhere on this way is done again from the start, with the same bytes.
"""

import hashlib
import math
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from sluice.errors import OverloadedError, SluiceError
from sluice.observability import logger
from sluice.off_the_loop import off_the_loop
from sluice.pipeline.jobs.at_provider import asked
from sluice.pipeline.jobs.causes import cause_of
from sluice.pipeline.jobs.checking import checked
from sluice.pipeline.jobs.failures import PassingError, RefusedError
from sluice.pipeline.jobs.fetching import Fetcher
from sluice.pipeline.jobs.legs import way_to
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.jobs.task import TaskEvent
from sluice.pipeline.jobs.work_file import HEAD_BYTES, NoWorkFileError, WorkFile, work_file_of
from sluice.pipeline.jobs.workshop import Workshop
from sluice.providers.contract import Made, NotMade, Running
from sluice.stores.aws import AWSError
from sluice.stores.bucket import Blob, BlobTooLargeError, made_prefix, work_key
from sluice.stores.job_records import Job, Output
from sluice.stores.jobs import JobOverError

SECONDS = 180.0
"""For fetching the file: with the time to pin it, less than the state's own limit.

So long past its deadline a job may take whose file was made in time: less than the sweep waits (``jobs.sweep``)."""


@dataclass(frozen=True, slots=True)
class _File:
    """A provider's file: who made it, its bytes, and how long it is by the provider's word."""

    leg: int
    content: bytes = field(repr=False)
    seconds: int | None


async def store(event: TaskEvent, workshop: Workshop) -> dict[str, Any]:
    """Store the file at ``event.index``.

    Raises:
        JobOverError: it is not wanted any more, and not stored.
        RefusedError, PassingError: there is none, or it is none that can be stored.
    """
    job = await workshop.running(event.job)
    if event.index >= job.count:
        raise RefusedError("server_error")
    known = job.outputs.get(event.index)
    if known is None or not known.stored:
        work = await _work(workshop, job, event.index)
        request = await workshop.request_of(job)
        try:
            file = await _file(workshop, job, request, work)
            output = await _output_of(file, job, workshop.most_bytes(job))
        except SluiceError as error:
            raise cause_of(error).task_error() from error
        await _stored(workshop, job, event.index, output, file.content)
    await _clear(workshop, job, event.index)
    return {}


async def _work(workshop: Workshop, job: Job, index: int) -> WorkFile:
    try:
        blob = await workshop.bucket.get(work_key(job.id, index), workshop.most_bytes(job) + HEAD_BYTES)
    except BlobTooLargeError as error:
        raise RefusedError("invalid_output") from error
    if blob is None:
        raise RefusedError("server_error")
    try:
        return work_file_of(blob)
    except NoWorkFileError as error:
        raise RefusedError("server_error") from error


async def _file(workshop: Workshop, job: Job, request: RequestFile, work: WorkFile) -> _File:
    """The file itself, wherever it is.

    Raises:
        SluiceError: its provider does not give it.
        PassingError: its provider says that it is not ready.
    """
    head = work.head
    deadline = workshop.deadline(job, SECONDS, grace=SECONDS)
    most_bytes = workshop.most_bytes(job)
    fetcher = Fetcher(workshop.reach.upstream, workshop.bucket, job.id, most_bytes, deadline)
    match head.source:
        case "here":
            return _File(head.leg, work.content, head.seconds)
        case "bucket":
            return _File(head.leg, await fetcher.from_bucket(head.key or ""), head.seconds)
        case "provider":
            return await _from_provider(workshop, job, request, work, fetcher)
        case unknown:
            assert_never(unknown)


async def _from_provider(
    workshop: Workshop, job: Job, request: RequestFile, work: WorkFile, fetcher: Fetcher
) -> _File:
    """The video that its provider has said to be ready: where, it has to say again.

    Raises:
        PassingError: it says that it is not.
        SluiceError: it says nothing, or has given it up.
    """
    way = await way_to(workshop.reach, request, work.head.leg)
    match await asked(workshop, job, way, fetcher.deadline):
        case Made(media=media, seconds=seconds):
            content = await fetcher.content(media, way.target)
            return _File(work.head.leg, content, work.head.seconds if seconds is None else seconds)
        case Running():
            raise PassingError("upstream_error")
        case NotMade(error=told):
            raise told
        case unknown:
            assert_never(unknown)


async def _output_of(file: _File, job: Job, most_bytes: int) -> Output:
    """What is noted of a file.

    Raises:
        UpstreamError: it is not what was asked for.
    """
    media_type = checked(file.content, job.kind, most_bytes)
    return Output(
        digest=(await off_the_loop(hashlib.sha256, file.content)).hexdigest(),
        content_type=media_type.content_type,
        size=len(file.content),
        leg=file.leg,
        seconds=_seconds(file.seconds, media_type.seconds, job),
    )


def _seconds(said: int | None, measured: float | None, job: Job) -> int | None:
    """How many seconds of a video are charged: what was made, and no more than was asked for and held.

    Args:
        said: by the provider.
        measured: what the file itself says.
        job: has what was asked for.
    """
    if job.seconds is None:
        return None
    made = said if said is not None else None if measured is None else math.ceil(measured)
    return job.seconds if made is None or made <= 0 else min(made, job.seconds)


async def _stored(workshop: Workshop, job: Job, index: int, output: Output, content: bytes) -> None:
    """Put a file, with a note before and after.

    Raises:
        JobOverError: the job has ended meanwhile.
        OverloadedError: another attempt has got other bytes meanwhile. The file is gone again then, unless somebody
            counts on it.
    """
    await _drop_another(workshop, job, index, output.digest)
    await workshop.jobs.note_output(job.id, index, output)
    blob = Blob(content, output.content_type)
    await workshop.outputs.store(job.id, output.digest, blob, job.expires_at)
    stored = replace(output, stored=True, cid=await workshop.pinned(job, blob))
    try:
        await workshop.jobs.note_output(job.id, index, stored)
    except JobOverError as error:
        await _taken_back(workshop, job.id, error.job, output.digest)
        raise
    except OverloadedError:
        now = await workshop.jobs.get(job.id)
        if now is None or output.digest not in {each.digest for each in now.outputs.values()}:
            await _taken_back(workshop, job.id, now, output.digest)
        raise


async def _drop_another(workshop: Workshop, job: Job, index: int, digest: str) -> None:
    """Drop the file of an earlier attempt that has got other bytes: its note is about to be overwritten."""
    known = job.outputs.get(index)
    if known is None or known.digest == digest:
        return
    others = {each.digest for position, each in job.outputs.items() if position != index}
    if known.digest not in others:
        await workshop.outputs.drop(job.id, [known.digest])


async def _taken_back(workshop: Workshop, job_id: str, job: Job | None, digest: str) -> None:
    """Drop a file that was put for a job which knows nothing of it."""
    if not _counts_on(job, digest):
        await workshop.outputs.drop(job_id, [digest])


def _counts_on(job: Job | None, digest: str) -> bool:
    """Whether a job has ended well, and with this very file: two pictures may be alike."""
    return (
        job is not None
        and job.state in ("finishing", "completed")
        and any(each.stored and each.digest == digest for each in job.outputs.values())
    )


async def _clear(workshop: Workshop, job: Job, index: int) -> None:
    """Delete what was only there until the file is stored; what ends the job deletes what is left."""
    try:
        await workshop.bucket.delete(work_key(job.id, index))
        if job.kind == "video":
            async for key in workshop.bucket.keys(made_prefix(job.id)):
                await workshop.bucket.delete(key)
    except (OverloadedError, AWSError):
        logger.warning("what %s was made of could not be deleted yet", job.id, exc_info=True)

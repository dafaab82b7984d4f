"""Asks a video's provider how it is.

A provider that is busy, or not to be reached for a while, is asked later, as long as the job has time: the video is
being made meanwhile. One that answers nonsense is asked a few times more by the machine's Retry.
"""

from typing import Any, assert_never

from sluice.errors import OverloadedError, SluiceError
from sluice.pipeline.jobs.at_provider import asked
from sluice.pipeline.jobs.causes import Cause, cause_of
from sluice.pipeline.jobs.failures import RefusedError
from sluice.pipeline.jobs.legs import way_to
from sluice.pipeline.jobs.task import TaskEvent
from sluice.pipeline.jobs.waiting_on import it_is_made, next_question
from sluice.pipeline.jobs.work_file import WorkFile, WorkHead
from sluice.pipeline.jobs.workshop import Workshop
from sluice.providers.contract import InBucket, Inline, Made, NotMade, Remote, Running
from sluice.stores.bucket import work_key

SECONDS = 60.0
"""For one question: less than the state's own limit. The last one is put when the job's time is over."""


async def poll(event: TaskEvent, workshop: Workshop) -> dict[str, Any]:
    """Ask once.

    Returns:
        When to ask again, or that it is made.

    Raises:
        JobOverError: it is not wanted any more.
        RefusedError: it will not be made, or not in time.
        PassingError: the answer cannot be understood.
    """
    job = await workshop.running(event.job)
    if job.leg is None or job.reference is None:
        raise RefusedError("server_error")
    if await workshop.bucket.size(work_key(job.id, 0)) is not None:
        return it_is_made(job)
    deadline = workshop.deadline(job, SECONDS, grace=SECONDS)
    request = await workshop.request_of(job)
    try:
        way = await way_to(workshop.reach, request, job.leg)
        polled = await asked(workshop, job, way, deadline)
    except SluiceError as error:
        if _is_away(error):
            return await next_question(workshop, job, request, at_least=error.retry_after or 0)
        raise _at_fault(cause_of(error)).task_error() from error
    match polled:
        case Running(progress=progress, poll_after=poll_after):
            if progress is not None and progress > job.progress:
                await workshop.jobs.note_progress(job.id, min(progress, 99))
            return await next_question(workshop, job, request, poll_after=poll_after)
        case NotMade(error=told):
            cause = cause_of(told)
            raise RefusedError(cause.code, cause.words)
        case Made() as made:
            await workshop.leave_work(job, 0, _work_of(job.leg, made))
            return it_is_made(job)
        case unknown:
            assert_never(unknown)


def _is_away(error: SluiceError) -> bool:
    """Whether nothing was learnt of the video: the provider throttles, fails, or is not there."""
    status = error.upstream_status
    if isinstance(error, OverloadedError) or error.unheard:
        return True
    return cause_of(error).passes and status is not None and status >= 500


def _at_fault(cause: Cause) -> Cause:
    """A question has nothing of the client's in it: a provider that refuses it does not know the video any more."""
    if cause.code == "invalid_request":
        return Cause("upstream_error", "The provider does not know the video any more.", passes=False)
    return cause


def _work_of(leg: int, made: Made) -> WorkFile:
    match made.media:
        case Inline(content=content):
            return WorkFile(WorkHead(leg=leg, seconds=made.seconds), content)
        case InBucket(key=key):
            return WorkFile(WorkHead(leg=leg, source="bucket", key=key, seconds=made.seconds))
        case Remote():
            return WorkFile(WorkHead(leg=leg, source="provider", seconds=made.seconds))
        case unknown:
            assert_never(unknown)

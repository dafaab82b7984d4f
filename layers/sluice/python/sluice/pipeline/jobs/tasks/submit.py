"""Has a provider begin to make a video, once.

    note that it is being submitted ──▶ submit ──▶ note what the provider knows it by

A task that finds the first note without the second does not know whether a provider makes the video already. Where the
provider tells submissions that come twice from two, it is submitted again; anywhere else the job fails, and nobody pays
for it. Only what is certain not to have been taken goes on to the next candidate.
"""

import contextlib
from dataclasses import replace
from typing import Any

from sluice.errors import OverloadedError, SluiceError
from sluice.pipeline.jobs.at_provider import errand_of
from sluice.pipeline.jobs.causes import cause_of, is_final, is_not_taken, most_telling_cause
from sluice.pipeline.jobs.exchange import TAKEN, answer_of
from sluice.pipeline.jobs.failures import PassingError, RefusedError
from sluice.pipeline.jobs.giving_up import give_up
from sluice.pipeline.jobs.legs import Way, way_to
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.jobs.task import TaskEvent
from sluice.pipeline.jobs.waiting_on import next_question
from sluice.pipeline.jobs.workshop import Workshop
from sluice.providers.contract import ProviderCall, Submitted, UpstreamRequest
from sluice.stores.job_records import Job
from sluice.stores.jobs import JobOverError

SECONDS = 90.0
"""For all candidates together: less than the state's own limit."""

NOTES = 3
"""How many times it is tried to note what a provider knows a video by, each time as often as the store itself tries."""

UNKNOWN = "The provider did not say whether it makes the video."


async def submit(event: TaskEvent, workshop: Workshop) -> dict[str, Any]:
    """Submit a video to the first candidate that takes it.

    Returns:
        When to ask how it is.

    Raises:
        JobOverError: it is not wanted any more.
        RefusedError, PassingError: nobody takes it, or it is not known whether somebody has.
    """
    job = await workshop.running(event.job)
    request = await workshop.request_of(job)
    if job.reference is not None and job.leg is not None:
        return await next_question(workshop, job, request)
    deadline = workshop.deadline(job, SECONDS)
    if job.submitting_at is None:
        return await _to_anyone(workshop, job, request, deadline)
    return await _once_more(workshop, job, request, deadline)


async def _to_anyone(workshop: Workshop, job: Job, request: RequestFile, deadline: float) -> dict[str, Any]:
    """Submit it to one candidate after the other, until one has taken it or may have."""
    failures: list[SluiceError] = []
    noted = False
    for leg in range(len(request.legs)):
        try:
            way, question = await _prepared(workshop, job, request, leg)
        except SluiceError as error:
            failures.append(error)
            continue
        await _noted(workshop, job, leg, expected=not noted)
        noted = True
        try:
            submitted = await _sent(workshop, job, request, way, question, deadline)
        except SluiceError as error:
            if not is_not_taken(error):
                raise _unknown(way, error) from error
            failures.append(error)
            if is_final(error):
                break
        else:
            return await _taken(workshop, job, request, way, submitted)
    if noted:
        await workshop.jobs.note_rejected(job.id)
    raise most_telling_cause(failures).task_error() if failures else RefusedError("server_error")


async def _once_more(workshop: Workshop, job: Job, request: RequestFile, deadline: float) -> dict[str, Any]:
    """Submit it again to the candidate that may have taken it."""
    try:
        way, question = await _prepared(workshop, job, request, job.leg or 0)
    except SluiceError as error:
        raise cause_of(error).task_error() from error
    if not way.videos.REPEATABLE:
        raise RefusedError("upstream_error", UNKNOWN)
    await workshop.jobs.note_submitting(job.id, way.leg, _milliseconds(workshop))
    try:
        submitted = await _sent(workshop, job, request, way, question, deadline)
    except SluiceError as error:
        raise cause_of(error).task_error() from error
    return await _taken(workshop, job, request, way, submitted)


async def _prepared(
    workshop: Workshop, job: Job, request: RequestFile, leg: int
) -> tuple[Way, UpstreamRequest]:
    way = await way_to(workshop.reach, request, leg)
    return way, way.videos.upstream_request(
        _call(workshop, job, request, way), errand_of(workshop, job, request)
    )


def _call(workshop: Workshop, job: Job, request: RequestFile, way: Way) -> "ProviderCall[Any]":
    return ProviderCall(request.videos, way.target, id=job.id, now=workshop.clock())


async def _noted(workshop: Workshop, job: Job, leg: int, *, expected: bool) -> None:
    """Note that it is about to be submitted.

    Raises:
        PassingError: another process is at it, and did not note it when we looked.
    """
    before = await workshop.jobs.note_submitting(job.id, leg, _milliseconds(workshop))
    if before.reference is not None or (expected and before.submitting_at is not None):
        raise PassingError("upstream_error")


async def _sent(
    workshop: Workshop,
    job: Job,
    request: RequestFile,
    way: Way,
    question: UpstreamRequest,
    deadline: float,
) -> Submitted:
    upstream = workshop.reach.upstream
    body = await answer_of(upstream, way, question, deadline=deadline, statuses=TAKEN)
    return way.videos.submitted(body, _call(workshop, job, request, way))


def _unknown(way: Way, error: SluiceError) -> PassingError | RefusedError:
    """The failure of a submission that may have been taken."""
    if way.videos.REPEATABLE:
        return PassingError("upstream_error", error.message)
    return RefusedError("upstream_error", UNKNOWN)


async def _taken(
    workshop: Workshop, job: Job, request: RequestFile, way: Way, submitted: Submitted
) -> dict[str, Any]:
    """Note who makes it.

    Raises:
        JobOverError: nobody wants it any more.
        OverloadedError: it cannot be noted. Of either its provider is told.
    """
    try:
        noted = await _noted_as_taken(workshop, job, way, submitted)
    except (JobOverError, OverloadedError):  # what is not known of cannot be asked for
        taken = replace(job, leg=way.leg, reference=submitted.reference)
        await give_up(workshop.reach, taken, request, workshop.clock())
        raise
    return await next_question(workshop, noted, request, poll_after=submitted.poll_after)


async def _noted_as_taken(workshop: Workshop, job: Job, way: Way, submitted: Submitted) -> Job:
    """Note who makes it, and insist on that: a video is lost that nobody knows of."""
    for _ in range(NOTES - 1):
        with contextlib.suppress(OverloadedError):
            return await workshop.jobs.note_submitted(
                job.id, way.leg, way.target.provider, submitted.reference
            )
    return await workshop.jobs.note_submitted(job.id, way.leg, way.target.provider, submitted.reference)


def _milliseconds(workshop: Workshop) -> int:
    return int(workshop.clock() * 1000)

"""What a machine is told that waits for a video: for how long, and whether its provider calls when it is there."""

import math
from typing import Any

from sluice.errors import SluiceError
from sluice.pipeline.jobs.failures import RefusedError
from sluice.pipeline.jobs.legs import way_to
from sluice.pipeline.jobs.pace import CALLBACK_SECONDS, Pace
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.jobs.workshop import Workshop
from sluice.stores.job_records import Job


async def next_question(
    workshop: Workshop,
    job: Job,
    request: RequestFile,
    *,
    poll_after: float | None = None,
    at_least: float = 0,
) -> dict[str, Any]:
    """When to ask a video's provider.

    Args:
        workshop: the parts.
        job: one that is submitted.
        request: its request.
        poll_after: when the provider wants to be asked, in seconds.
        at_least: how long it wants to be left alone.

    Raises:
        RefusedError: never again: the job's time is over.
    """
    now = workshop.clock()
    left = job.deadline - now
    if left <= 0:
        raise RefusedError("timeout")
    calls = await _calls_back(workshop, job, request)
    age = now - (job.submitting_at or job.created_at) / 1000
    pace = Pace(workshop.settings.poll_seconds, workshop.settings.longest_poll_seconds)
    waits = max(1, min(CALLBACK_SECONDS, math.ceil(left)))
    seconds = waits if calls else pace.pause(age, left, poll_after, at_least)
    return {"job": job.id, "made": False, "seconds": seconds, "callback": calls}


def it_is_made(job: Job) -> dict[str, Any]:
    """There is nothing to wait for any more."""
    return {"job": job.id, "made": True, "seconds": 0, "callback": False}


async def _calls_back(workshop: Workshop, job: Job, request: RequestFile) -> bool:
    if job.leg is None or workshop.callback_of(job, request) is None:
        return False
    try:
        return (await way_to(workshop.reach, request, job.leg)).videos.CALLS_BACK
    except SluiceError:  # it cannot be reached just now; asking it will tell
        return False

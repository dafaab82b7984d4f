"""A video at its provider: how it is, and how it is given up."""

import asyncio

from sluice.errors import OverloadedError, SluiceError, UpstreamError
from sluice.observability import logger
from sluice.pipeline.call import body_of, within
from sluice.pipeline.jobs.exchange import MOST_WORDS, TOLD, TOO_LARGE, answer_of, room_for
from sluice.pipeline.jobs.failures import RefusedError
from sluice.pipeline.jobs.legs import Reach, Way, way_to
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.jobs.workshop import Workshop
from sluice.providers.contract import Errand, Polled
from sluice.stores.aws import AWSError
from sluice.stores.bucket import made_prefix
from sluice.stores.job_records import Job

CANCEL_SECONDS = 15.0


def errand_of(workshop: Workshop, job: Job, request: RequestFile) -> Errand:
    """What a provider is told of the gateway's side."""
    return Errand(
        job=job.id,
        bucket=workshop.bucket.name,
        prefix=made_prefix(job.id),
        callback=workshop.callback_of(job, request),
    )


async def asked(workshop: Workshop, job: Job, way: Way, deadline: float) -> Polled:
    """How a video is, by its provider's word.

    Raises:
        SluiceError: it gives none that can be understood.
    """
    if job.reference is None:
        raise UpstreamError("The video was never submitted.", retriable=False)
    question = way.videos.poll_request(job.reference, way.target, workshop.clock())
    body = await answer_of(
        workshop.reach.upstream,
        way,
        question,
        deadline=deadline,
        most_bytes=room_for(workshop.most_bytes(job)),
        statuses=TOLD,
    )
    # Its callback has nothing to do with the answer, and the secret in it need not be read for this.
    errand = Errand(job=job.id, bucket=workshop.bucket.name, prefix=made_prefix(job.id))
    return way.videos.polled(body, job.reference, way.target, errand)


async def given_up(workshop: Workshop, job: Job) -> None:
    """Tell the provider of a job's video, where there is one, that nobody wants it any more; it never fails."""
    if job.reference is None:
        return
    try:
        request = await workshop.request_of(job)
    except RefusedError:  # it is gone, and with it who makes the video
        return
    except (OverloadedError, AWSError):
        logger.warning("the video of %s could not be cancelled at its provider", job.id, exc_info=True)
        return
    await give_up(workshop.reach, job, request, workshop.clock(), asyncio.get_running_loop().time())


async def give_up(reach: Reach, job: Job, request: RequestFile, now: float, loop_now: float) -> None:
    """Tell a video's provider that nobody wants it any more, where it has a way to be told; what fails is in the log.

    Args:
        reach: what it takes to ask.
        job: one that has been submitted, or not.
        request: its request.
        now: epoch seconds.
        loop_now: the time of the loop's clock.
    """
    if job.reference is None or job.leg is None:
        return
    try:
        way = await way_to(reach, request, job.leg)
        question = way.videos.cancel_request(job.reference, way.target, now)
        if question is None:
            return
        async with within(loop_now + CANCEL_SECONDS), reach.upstream.send(question) as response:
            await body_of(response, MOST_WORDS, TOO_LARGE)
            status = response.status
    except (SluiceError, AWSError) as error:
        logger.warning(
            "the video of %s could not be cancelled at its provider: %s", job.id, type(error).__name__
        )
    else:
        logger.info("the video of %s was cancelled at its provider: status %d", job.id, status)

"""A video at its provider: what that is told of the gateway, how the video is, and that nobody wants it."""

from sluice.errors import OverloadedError, UpstreamError
from sluice.observability import logger
from sluice.pipeline.jobs.exchange import TOLD, answer_of, room_for
from sluice.pipeline.jobs.failures import RefusedError
from sluice.pipeline.jobs.giving_up import give_up
from sluice.pipeline.jobs.legs import Way
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.jobs.workshop import Workshop
from sluice.providers.contract import Errand, Polled
from sluice.stores.aws import AWSError
from sluice.stores.bucket import made_prefix
from sluice.stores.job_records import Job


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
    await give_up(workshop.reach, job, request, workshop.clock())

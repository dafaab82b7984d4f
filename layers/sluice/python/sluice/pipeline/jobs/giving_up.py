"""Tells a video's provider that nobody wants the video any more: what it makes then is money of the operator's.

Also for who cancels a job outside of its machine, and so has no ``Workshop``.
"""

import asyncio

from sluice.errors import SluiceError
from sluice.observability import logger
from sluice.pipeline.call import body_of, within
from sluice.pipeline.jobs.exchange import MOST_WORDS, TOO_LARGE
from sluice.pipeline.jobs.legs import Reach, way_to
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.stores.aws import AWSError
from sluice.stores.job_records import Job

SECONDS = 5.0
"""A client may wait for it."""


async def give_up(reach: Reach, job: Job, request: RequestFile, now: float) -> None:
    """Tell the provider of a job's video, where there is one that has a way to be told; what fails is in the log.

    Args:
        reach: what it takes to ask.
        job: a video's, submitted or not.
        request: its request.
        now: epoch seconds.
    """
    if job.reference is None or job.leg is None:
        return
    deadline = asyncio.get_running_loop().time() + SECONDS
    try:
        async with within(deadline):
            way = await way_to(reach, request, job.leg)
            question = way.videos.cancel_request(job.reference, way.target, now)
            if question is None:
                return
            async with reach.upstream.send(question) as response:
                await body_of(response, MOST_WORDS, TOO_LARGE)
                status = response.status
    except (SluiceError, AWSError) as error:
        name = type(error).__name__
        logger.warning("the video of %s could not be cancelled at its provider: %s", job.id, name)
    else:
        logger.info("the video of %s was cancelled at its provider: status %d", job.id, status)

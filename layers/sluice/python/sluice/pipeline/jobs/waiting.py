"""Waits for a job, for a client that wants its pictures in the reply."""

import asyncio
from contextlib import suppress
from typing import Final

from sluice.errors import NotFoundError, OverloadedError
from sluice.pipeline.jobs.studio import Studio
from sluice.stores.job_records import Job

FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 1.5
"""Between two looks. Pictures take seconds; a look costs a read."""
GROWTH: Final = 1.25


async def over(studio: Studio, job_id: str, deadline: float) -> Job | None:
    """A job that is over; None if it is not at ``deadline``, a time of the loop's clock.

    Raises:
        NotFoundError: it was deleted meanwhile.
    """
    clock = asyncio.get_running_loop().time
    pause = FIRST_PAUSE_SECONDS
    while True:
        with suppress(OverloadedError):  # the next look may succeed
            job = await studio.jobs.get(job_id)
            if job is None:
                raise NotFoundError("The job was deleted.")
            if job.is_over:
                return job
        left = deadline - clock()
        if left <= 0:
            return None
        await asyncio.sleep(min(pause, left))
        pause = min(pause * GROWTH, LONGEST_PAUSE_SECONDS)

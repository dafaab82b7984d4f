"""The first state: from now on the job is being made."""

from typing import Any

from sluice.pipeline.jobs.task import TaskEvent
from sluice.pipeline.jobs.workshop import Workshop


async def begin(event: TaskEvent, workshop: Workshop) -> dict[str, Any]:
    """Begin a job; one that has begun goes on.

    Returns:
        The positions of its files, over which the machine goes.

    Raises:
        JobOverError: it is past that.
    """
    job = await workshop.jobs.begin(event.job, int(workshop.clock() * 1000))
    return {"job": job.id, "indexes": list(range(job.count))}

"""The last state of a job that went well: what there is of it is charged."""

from typing import Any

from sluice.pipeline.jobs.failure_file import failure_in
from sluice.pipeline.jobs.task import TaskEvent
from sluice.pipeline.jobs.workshop import Workshop
from sluice.stores.job_records import OPEN_STATES, Job
from sluice.stores.jobs import JobOverError


async def finish(event: TaskEvent, workshop: Workshop) -> dict[str, Any]:
    """End a job. Pictures may be missing; where all are, it has failed, as the last of them did.

    Raises:
        JobOverError: it was decided otherwise.
    """
    job = await workshop.jobs.get(event.job)
    if job is None:
        raise JobOverError(None)
    if job.state in OPEN_STATES and not _has_outputs(job):
        failure = await failure_in(workshop.bucket, job.id)
        await workshop.closer.fail(job.id, failure.code if failure is not None else "server_error")
    else:
        await workshop.closer.finish(job.id)
    return {}


def _has_outputs(job: Job) -> bool:
    return any(output.stored for output in job.outputs.values())

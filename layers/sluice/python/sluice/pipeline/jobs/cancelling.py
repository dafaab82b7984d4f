"""The end of a job that somebody does not want any more: its owner, or the gateway's operator."""

from sluice.errors import NotFoundError, OverloadedError
from sluice.observability import logger
from sluice.pipeline.jobs.closing import Closer
from sluice.pipeline.jobs.failures import FailureCode
from sluice.stores.aws import AWSError
from sluice.stores.job_records import Job
from sluice.stores.jobs import JobOverError
from sluice.stores.machines import Machines


async def ended(closer: Closer, job: Job, code: FailureCode = "cancelled") -> Job:
    """Have a job failed, unless that was decided otherwise before: then that is carried out.

    Args:
        closer: ends it.
        job: as it was last seen.
        code: why.

    Returns:
        The job as it is then: one that was being finished is completed.

    Raises:
        NotFoundError: it is gone.
        OverloadedError: it may be ended, or not.
    """
    try:
        await closer.fail(job.id, code)
    except JobOverError as error:
        if error.job is None:
            raise NotFoundError("There is no such job.") from error
        await closer.close(error.job)
    return await closer.jobs.get(job.id) or job


async def ended_for_operator(closer: Closer, machine_arn: str, job: Job) -> Job:
    """Have a job cancelled, as ``ended`` does, by who cannot speak to its provider.

    A video that a provider is making is left to its execution: that sees at its next task that the job is over, and
    tells the provider. Any other execution is stopped.

    Raises:
        NotFoundError, OverloadedError: see ``ended``.
    """
    job = await ended(closer, job)
    if job.reference is None:
        await stop(closer.machines, machine_arn, job.id)
    return job


async def stop(machines: Machines, machine_arn: str, job_id: str) -> None:
    """Stop the execution of a job that is over; where that fails, which the log says, its next task ends it."""
    try:
        await machines.stop(machine_arn, job_id)
    except (OverloadedError, AWSError):
        logger.warning("the execution of %s could not be stopped", job_id, exc_info=True)

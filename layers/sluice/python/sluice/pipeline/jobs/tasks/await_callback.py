"""Leaves word how a machine is woken that waits for a provider to call."""

from typing import Any

from sluice.pipeline.jobs.callbacks import wake_by
from sluice.pipeline.jobs.failures import RefusedError
from sluice.pipeline.jobs.task import TaskEvent
from sluice.pipeline.jobs.workshop import Workshop


async def await_callback(event: TaskEvent, workshop: Workshop) -> dict[str, Any]:
    """Keep the token of the machine's state; wake it at once if the provider has called already.

    Raises:
        JobOverError: the job is not wanted any more.
        RefusedError: there is no token.
    """
    if event.token is None:
        raise RefusedError("server_error")
    job = await workshop.running(event.job)
    await wake_by(event.token, job, workshop.bucket, workshop.machines, workshop.jobs)
    return {}

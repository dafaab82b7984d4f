"""The last state of a job that did not go well: nothing is charged, and what is being made is given up.

So does a video's job end whose execution has ended without it: EventBridge tells of that.
"""

from collections.abc import Mapping
from typing import Any, Final

from sluice.pipeline.jobs.at_provider import given_up
from sluice.pipeline.jobs.executions import CODES as ENDS
from sluice.pipeline.jobs.failure_file import failure_in
from sluice.pipeline.jobs.failures import FailureCode
from sluice.pipeline.jobs.task import TaskEvent
from sluice.pipeline.jobs.workshop import Workshop
from sluice.stores.jobs import JobOverError

TOLD: Final = frozenset({"RefusedError", "PassingError"})
"""Errors of tasks that have left word of why they failed."""

CODES: Final[Mapping[str, FailureCode]] = {
    "States.Timeout": "timeout",
    "States.HeartbeatTimeout": "timeout",
    "Sandbox.Timedout": "timeout",
    **ENDS,
}
"""What a machine calls what no task has told of, or its own end; anything else is a fault of the gateway's."""


async def fail(event: TaskEvent, workshop: Workshop) -> dict[str, Any]:
    """Have a job failed, unless it was decided otherwise: then that is carried out. It never fails for that."""
    if event.error in ENDS:
        seen = await workshop.jobs.get(event.job)
        if seen is None or seen.is_over:  # its execution was stopped for that, by who has told the provider
            return {}
    code = await _code(event, workshop)
    try:
        await workshop.closer.fail(event.job, code)
    except JobOverError as error:
        if error.job is not None:
            await workshop.closer.close(error.job)
        return {}
    job = await workshop.jobs.get(event.job)
    if job is not None:
        await given_up(workshop, job)
    return {}


async def _code(event: TaskEvent, workshop: Workshop) -> FailureCode:
    if event.error in TOLD:
        failure = await failure_in(workshop.bucket, event.job)
        return "server_error" if failure is None else failure.code
    return CODES.get(event.error or "", "server_error")

"""Carries out the tasks that the state machines of pictures and videos call; the last one where a video's cannot."""

from collections.abc import Mapping
from typing import Any, Final

from sluice.config import TaskSettings
from sluice.pipeline.jobs.executions import ended_execution
from sluice.pipeline.jobs.failures import PassingError, RefusedError
from sluice.pipeline.jobs.task import EventError, Task, TaskName, carried_out, task_event
from sluice.pipeline.jobs.tasks.await_callback import await_callback
from sluice.pipeline.jobs.tasks.begin import begin
from sluice.pipeline.jobs.tasks.fail import fail
from sluice.pipeline.jobs.tasks.finish import finish
from sluice.pipeline.jobs.tasks.generate import generate
from sluice.pipeline.jobs.tasks.poll import poll
from sluice.pipeline.jobs.tasks.store import store
from sluice.pipeline.jobs.tasks.submit import submit
from sluice.pipeline.jobs.workshop import Workshop
from sluice.stores.jobs import JobOverError
from sluice.worker import Worker

TASKS: Final[Mapping[TaskName, Task]] = {
    "begin": begin,
    "generate": generate,
    "store": store,
    "submit": submit,
    "await": await_callback,
    "poll": poll,
    "finish": finish,
    "fail": fail,
}
"""By the names that the machines have for them."""


async def answer(event: Any, workshop: Workshop) -> dict[str, Any]:
    """Do the task that an event names; an execution that has ended without its job has that failed.

    Raises:
        EventError: it names none.
        JobOverError, RefusedError, PassingError: it failed; the machines know these names.
    """
    execution = ended_execution(event)
    if execution is not None:
        if execution.job is None:
            return {}
        event = {"task": "fail", "job": execution.job, "error": execution.status}
    asked = task_event(event)
    return await carried_out(asked, TASKS[asked.task], workshop)


KNOWN: Final = (EventError, JobOverError, RefusedError, PassingError)
"""Errors whose names the caller sees."""

handler = Worker(answer, open_parts=lambda: Workshop.open(TaskSettings.from_environment()), known=KNOWN)

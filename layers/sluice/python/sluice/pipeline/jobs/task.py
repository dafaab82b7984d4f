"""How a task is carried out, whichever it is: what its event says, what its failures become, its line in the log."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.pipeline.jobs.at_provider import given_up
from sluice.pipeline.jobs.failure_file import put_failure
from sluice.pipeline.jobs.failures import PassingError, TaskError
from sluice.pipeline.jobs.workshop import Workshop
from sluice.stores.aws import AWSError
from sluice.stores.bucket import failure_key
from sluice.stores.job_records import Job
from sluice.stores.jobs import JobOverError
from sluice.stores.outputs import BeingDeletedError

TaskName = Literal["begin", "generate", "store", "submit", "await", "poll", "finish", "fail"]

JOB_ID = r"^(image|video)_[0-9a-f]{1,64}$"


class TaskEvent(BaseModel):
    """What a state machine sends.

    Attributes:
        task: what is to be done.
        job: the job's id.
        index: of the file, where there are several.
        token: of a state that waits to be called back. Whoever has it can end that state.
        error: the name of what has gone wrong, for ``fail``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    task: TaskName
    job: Annotated[str, Field(pattern=JOB_ID)]
    index: Annotated[int, Field(ge=0)] = 0
    token: Annotated[str | None, Field(min_length=1, max_length=2048, repr=False)] = None
    error: Annotated[str, Field(max_length=256)] | None = None


class EventError(Exception):
    """A function was called with an event that is none of a job's."""


type Task = Callable[[TaskEvent, Workshop], Awaitable[dict[str, Any]]]


def task_event(event: Any) -> TaskEvent:
    """Read an event.

    Raises:
        EventError: naming the member at fault, without its value.
    """
    try:
        return TaskEvent.model_validate(event)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise EventError(f"the event is no task's: {place}: {fault['msg']}"[:500]) from None


async def carried_out(event: TaskEvent, task: Task, workshop: Workshop) -> dict[str, Any]:
    """Do a task. How it failed, if it did, is in the job's ``failure.json`` before the machine hears of it.

    Raises:
        JobOverError, RefusedError, PassingError: see ``failures``; whatever fails at AWS is the last.
    """
    begun = time.perf_counter()
    outcome = "failed"
    try:
        result = await task(event, workshop)
        outcome = "done"
    except JobOverError as error:
        outcome = "over"
        await _unwanted(event, error.job, workshop)
        raise
    except TaskError as error:
        outcome = f"{type(error).__name__} {error.code}"
        await _told(event, error, workshop)
        raise
    except (OverloadedError, AWSError, BeingDeletedError) as error:
        outcome = f"PassingError after {type(error).__name__}"
        if isinstance(
            error, AWSError
        ):  # names the call and what AWS says of it, which is the operator's to mend
            logger.error("task %s of %s cannot use AWS", event.task, event.job, exc_info=error)
        raise PassingError("server_error") from error
    finally:
        _log(event, outcome, round((time.perf_counter() - begun) * 1000))
    return result


async def _unwanted(event: TaskEvent, job: Job | None, workshop: Workshop) -> None:
    """A video that was cancelled while it was made. At the beginning there is none, or it was seen to before."""
    if job is not None and job.state in ("failing", "failed") and event.task != "begin":
        await given_up(workshop, job)


async def _told(event: TaskEvent, error: TaskError, workshop: Workshop) -> None:
    try:
        await put_failure(workshop.bucket, event.job, error.code, error.words)
        if await workshop.jobs.get(event.job) is None:  # deleted meanwhile: nobody else would find it
            await workshop.bucket.delete(failure_key(event.job))
    except (OverloadedError, AWSError):  # then the job fails with fewer words
        logger.warning("why %s fails could not be kept", event.job, exc_info=True)


def _log(event: TaskEvent, outcome: str, milliseconds: int) -> None:
    """One line: no client's words are in it, nor a token."""
    file = f"/{event.index}" if event.task in ("generate", "store") else ""
    log = logger.info if outcome in ("done", "over") else logger.warning
    log("%s %s%s: %s, %d ms", event.task, event.job, file, outcome, milliseconds)

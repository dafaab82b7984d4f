"""Has a job made that money is held for: its request and its item are put, its machine is started, or all is undone."""

import asyncio
from contextlib import suppress
from typing import Final

from pydantic_core import to_json

from sluice.api.model_request import ModelRequest
from sluice.errors import InvalidRequestError, OverloadedError
from sluice.observability import logger
from sluice.off_the_loop import off_the_loop
from sluice.pipeline.admit import Admission
from sluice.pipeline.idempotency import SETTLING_SECONDS
from sluice.pipeline.jobs.media import Medium
from sluice.pipeline.jobs.orders import Order, request_file
from sluice.pipeline.jobs.request_file import RequestFileError, request_in
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.recording import Slot
from sluice.stores.aws import AWSError
from sluice.stores.bucket import Blob, request_key
from sluice.stores.job_records import Job
from sluice.stores.jobs import JobOverError

LATE_SECONDS: Final = SETTLING_SECONDS / 2
"""So long past its deadline a job is still put. When its request's turn is over, another one with the same
Idempotency-Key may have looked for it, and take a job of its own; what is left until then is for putting it."""


async def written[Request: ModelRequest](order: Order[Request]) -> Blob:
    """A request as it lies in the bucket: known to be one that can be read again, before anything is held for it.

    Raises:
        InvalidRequestError: it cannot, for in there it lies one level deeper than in its own body.
    """
    content = request_file(order).model_dump_json(exclude_none=True).encode()
    try:
        await off_the_loop(request_in, content)
    except RequestFileError as error:
        raise InvalidRequestError("The body of your request is nested too deeply for a job.") from error
    return Blob(content, "application/json")


async def put_job[Request: ModelRequest](
    studio: Studio, order: Order[Request], job: Job, request: Blob, admission: Admission
) -> None:
    """Put the request and the job; what was put of them is taken back where not all of it can be.

    Raises:
        OverloadedError, AWSError: they could not be put, or not while it was the request's turn.
    """
    try:
        await studio.bucket.put(request_key(job.id), request)
        _in_time(order)
    except Exception:  # whatever it is, the money must not stay held
        await _given_up(studio, job, admission)
        raise
    try:
        await studio.jobs.put_new(job)
    except Exception:  # likewise
        await _taken_back(studio, job, admission)
        raise


def _in_time[Request: ModelRequest](order: Order[Request]) -> None:
    if asyncio.get_running_loop().time() > order.deadline + LATE_SECONDS:
        raise OverloadedError("The job could not be taken within the request's deadline.")


async def _taken_back(studio: Studio, job: Job, admission: Admission) -> None:
    """Nobody knows whether the job was put. If it is put later on, the schedule fails it.

    Where even that cannot be found out the hold stays: a job that is there needs it, should its client come again.
    """
    try:
        await studio.closer.fail(job.id, "server_error")
    except JobOverError:  # it was not
        await _given_up(studio, job, admission)
    except (OverloadedError, AWSError):
        logger.exception("nobody knows whether %s was put; its hold expires", job.id)


async def _given_up(studio: Studio, job: Job, admission: Admission) -> None:
    """There is no job. A request that stays in the bucket, where this fails, is gone when the job would have been."""
    await studio.gateway.settler.release(admission)
    with suppress(OverloadedError, AWSError):
        await studio.bucket.delete(request_key(job.id))


async def started[Request: ModelRequest](
    studio: Studio, medium: Medium[Request], job: Job, turn: Slot
) -> Job:
    """Start the job's machine; where nobody knows whether it was started, the job tells.

    Raises:
        OverloadedError, AWSError: it was not, and nothing is held.
    """
    try:
        await studio.machines.start(medium.machine(studio.settings), job.id, {"job": job.id})
    except (OverloadedError, AWSError):
        begun = await _begun(studio, job, turn)
        if begun is None:
            raise
        job = begun
    keep(turn, job)
    return job


async def _begun(studio: Studio, job: Job, turn: Slot) -> Job | None:
    """The job, if it was begun all the same; None where it has failed, or may be begun by its client's next attempt."""
    try:
        found = await studio.jobs.get(job.id)
        if found is not None and found.state not in ("queued", "failing", "failed"):
            return found
        await studio.closer.fail(job.id, "server_error")
    except JobOverError as error:
        return error.job
    except (OverloadedError, AWSError):
        logger.exception("nobody knows whether %s is being made", job.id)
        keep(turn, job)
    return None


def keep(turn: Slot, job: Job) -> None:
    """Have a request's turn keep its job, which a repeated request is told of."""
    turn.whole(to_json({"job": job.id}))

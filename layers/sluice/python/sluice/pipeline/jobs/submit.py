"""Takes a job of a known client: all that it goes through until its state machine runs, from top to bottom.

    understand → who can make it → its address's limit → its turn
        write the request  such that it can be read again
        admit              money is held for as long as the machine can run, and longer
        put the request    into the bucket
        put the job        queued
        start the machine  under the job's name
    its turn keeps the job's id, so that a repeated request is told of this job

Whatever fails before the job is put ends the hold; what fails after that fails the job, which ends the hold. A process
that dies before the job is put leaves a hold that expires, and one that dies after it a job that nobody carries out,
which the schedule fails (``jobs.sweep``): unless its client comes again with its Idempotency-Key, who starts it.

A client that goes away changes nothing: a job that is taken is carried out, and its owner finds it among its jobs.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import assert_never

from pydantic_core import from_json

from sluice.accounting.demand import Fixed
from sluice.api.model_request import ModelRequest
from sluice.errors import NotFoundError, OverloadedError
from sluice.pipeline.idempotency import REPLAYED, Attempt
from sluice.pipeline.jobs.media import Medium
from sluice.pipeline.jobs.orders import Order, job_id_of, job_of, understood
from sluice.pipeline.jobs.starting import keep, put_job, started, written
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.jobs.visit import Wanted
from sluice.pipeline.path import Call
from sluice.pipeline.recording import Slot
from sluice.pipeline.standing import Standing, standing_of
from sluice.pipeline.to_the_end import to_the_end
from sluice.stores.aws import AWSError
from sluice.stores.job_records import Job
from sluice.stores.kept_replies import KeptReply


@dataclass(frozen=True, slots=True)
class Submission:
    """A job that was taken; ``replayed`` where it is that of an earlier request with the same Idempotency-Key."""

    job: Job
    replayed: bool = False


async def submit[Request: ModelRequest](
    studio: Studio, call: Call, wanted: Wanted, medium: Medium[Request]
) -> Submission:
    """Take a job, or refuse it and hold nothing.

    Args:
        studio: the parts.
        call: the request; its headers are filled in.
        wanted: what it asks for, and whose it is.
        medium: what kind of job it is.

    Raises:
        SluiceError: it is refused.
    """
    deadline = asyncio.get_running_loop().time() + studio.settings.timeout_seconds
    gateway = studio.gateway
    async with standing_of(wanted.key, call.headers, gateway.admitter) as standing:
        order = await understood(studio, call, wanted.members, medium, wanted.key, deadline)
        await call.allowed()
        async with gateway.idempotency.turn(_attempt(call, order)) as turn:
            match turn:
                case KeptReply():
                    await standing.tell_unadmitted()
                    return await _replayed(studio, call, order, from_json(turn.body)["job"])
                case Slot():
                    return await _first(studio, call, order, standing, turn)
                case unknown:
                    assert_never(unknown)


async def _first[Request: ModelRequest](
    studio: Studio, call: Call, order: Order[Request], standing: Standing, turn: Slot
) -> Submission:
    """The job of a request that no other one has kept a job for."""
    left = await _left_behind(studio, order, turn)
    if left is None:
        # To the end, also for a client that goes away: what is half taken would hold its money until that expires.
        job = await to_the_end(_taken(studio, call, order, standing, turn))
        call.record.job = job.id
        return Submission(job)
    async with turn.keeping():
        keep(turn, left)
    await standing.tell_unadmitted()
    return await _replayed(studio, call, order, left.id)


async def _taken[Request: ModelRequest](
    studio: Studio, call: Call, order: Order[Request], standing: Standing, turn: Slot
) -> Job:
    """Hold the money, and have the job made."""
    request = await written(order)
    admission = await studio.gateway.admitter.admit(
        order.key, Fixed(order.amount), call.record.request_id, order.medium.hold_seconds
    )
    standing.tell(admission)
    job = job_of(studio, order, admission)
    await put_job(studio, order, job, request, admission)
    async with turn.keeping():
        return await started(studio, order.medium, job, turn)


async def _left_behind[Request: ModelRequest](
    studio: Studio, order: Order[Request], turn: Slot
) -> Job | None:
    """The job of an earlier request with the same Idempotency-Key that died before it could keep the job's id."""
    for request_id in turn.earlier:
        job = await studio.jobs.get(job_id_of(request_id, order.medium.KIND))
        if job is not None and job.state not in ("failing", "failed"):
            return job
    return None


async def _replayed[Request: ModelRequest](
    studio: Studio, call: Call, order: Order[Request], job_id: str
) -> Submission:
    """The job of an earlier request; one that nobody has started is started now.

    Raises:
        NotFoundError: it was deleted.
    """
    job = await studio.jobs.get(job_id)
    if job is None or job.expires_at <= order.now:
        raise NotFoundError("The job of the first request with this Idempotency-Key was deleted.")
    if job.state == "queued":
        with suppress(OverloadedError, AWSError):  # it is in the log, and may have been started before
            machine = order.medium.machine(studio.settings)
            await studio.machines.start(machine, job.id, {"job": job.id})
    call.record.replayed, call.record.job = True, job.id
    call.headers.update(REPLAYED)
    return Submission(job, replayed=True)


def _attempt[Request: ModelRequest](call: Call, order: Order[Request]) -> Attempt:
    return Attempt(
        key_id=order.key.id,
        idempotency_key=call.idempotency_key,
        path=call.record.path,
        request_hash=order.request_hash,
        request_id=call.record.request_id,
        streams=False,
        deadline=order.deadline,
    )

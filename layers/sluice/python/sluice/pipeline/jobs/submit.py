"""Takes a job: all that a request goes through until its state machine runs, from top to bottom.

    authenticate → understand → who can make it → its address's limit → its turn
        admit              money is held for as long as the machine can run, and longer
        put the request    into the bucket
        put the job        queued
        start the machine  under the job's name
    its turn keeps the job's id, so that a repeated request is told of this job

Whatever fails before the job is put ends the hold; what fails after that fails the job, which ends the hold. A process
that dies before the job is put leaves a hold that expires, and one that dies after it a job that nobody carries out,
which the schedule fails (``jobs.sweep``): unless its client comes again with its Idempotency-Key, who starts it.
"""

import asyncio
import math
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, assert_never

from pydantic_core import from_json, to_json

from sluice.accounting.demand import Fixed
from sluice.accounting.media import cost_of
from sluice.api.model_request import ModelRequest
from sluice.catalog import ModelRow
from sluice.errors import NotFoundError, OverloadedError
from sluice.observability import logger
from sluice.pipeline.admit import Admission
from sluice.pipeline.authenticate import authenticate
from sluice.pipeline.hashes import request_hash
from sluice.pipeline.idempotency import REPLAYED, Attempt
from sluice.pipeline.jobs.candidates import Maker, Wanted, makers_of
from sluice.pipeline.jobs.media import Medium
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.limits import limits_of
from sluice.pipeline.path import Call
from sluice.pipeline.recording import Slot
from sluice.pipeline.route import choices_of, wanted_providers
from sluice.pipeline.standing import Standing, standing_of
from sluice.pipeline.to_the_end import to_the_end
from sluice.stores.aws import AWSError
from sluice.stores.bucket import Blob, request_key
from sluice.stores.job_records import LEADS, Job, JobKind
from sluice.stores.jobs import JobOverError
from sluice.stores.kept_replies import KeptReply
from sluice.stores.keys import KeyRecord

REQUEST_LEAD: Final = "req_"
ABOUT_THE_REPLY: Final = frozenset({"async", "response_format", "user", "webhook_url"})
"""Members that say nothing of what is to be made."""
WEBHOOK: Final = "webhook_url"
DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Submission:
    """A job that was taken; ``replayed`` where it is that of an earlier request with the same Idempotency-Key."""

    job: Job
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class _Order[Request: ModelRequest]:
    """A valid request: whose, for what, and who can make it."""

    key: KeyRecord
    medium: Medium[Request]
    request: Request
    model: str
    makers: tuple[Maker, ...]
    request_hash: str
    input_hash: str
    amount: int
    now: float
    deadline: float
    """Of submitting, by the loop's clock."""


async def submit[Request: ModelRequest](
    studio: Studio, call: Call, raw: dict[str, Any], medium: Medium[Request]
) -> Submission:
    """Take a job, or refuse it and hold nothing.

    Args:
        studio: the parts.
        call: the request; its headers are filled in.
        raw: its body's members.
        medium: what kind of job it is.

    Raises:
        SluiceError: it is refused.
    """
    deadline = asyncio.get_running_loop().time() + studio.settings.timeout_seconds
    gateway = studio.gateway
    key = await authenticate(call.authorization, gateway.keys, time.time())
    call.record.key_id = key.id
    async with standing_of(key, call.headers, gateway.admitter) as standing:
        order = await _understood(studio, call, raw, medium, key, deadline)
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
    studio: Studio, call: Call, order: _Order[Request], standing: Standing, turn: Slot
) -> Submission:
    """The job of a request that no other one has kept a job for."""
    left = await _left_behind(studio, order, turn)
    if left is None:
        # To the end, also for a client that goes away: what is half taken would hold its money until that expires.
        job = await to_the_end(_taken(studio, call, order, standing, turn))
        call.record.job = job.id
        return Submission(job)
    await standing.tell_unadmitted()
    async with turn.keeping():
        _keep(turn, left)
    return await _replayed(studio, call, order, left.id)


async def _understood[Request: ModelRequest](
    studio: Studio,
    call: Call,
    raw: dict[str, Any],
    medium: Medium[Request],
    key: KeyRecord,
    deadline: float,
) -> _Order[Request]:
    gateway, now = studio.gateway, time.time()
    request = medium.understood(raw)
    call.record.asked_model = request.model
    (choice,) = await choices_of(gateway.models, request, medium.MODELS, key, falls_back=False)
    row = choice.row
    call.record.turns_to(row.id, None if request.model in row.names else request.model)
    providers = wanted_providers(call.providers, gateway.catalog, [choice])
    settled = medium.settled(request, _likely(row, providers))
    if (address := getattr(request, WEBHOOK, None)) is not None:
        await studio.webhooks.check(address)
    wanted = Wanted(
        request=request,
        settled=settled,
        bounded=limits_of(key).budget is not None,
        providers=providers,
        id=job_id_of(call.record.request_id, medium.KIND),
        now=now,
    )
    makers = tuple(await makers_of(gateway, medium, wanted, choice))
    dearest = max((maker.price for maker in makers if maker.price is not None), default=None)
    return _Order(
        key=key,
        medium=medium,
        request=settled,
        model=row.id,
        makers=makers,
        request_hash=await request_hash(raw, len(call.body)),
        input_hash=await request_hash(_input(settled), len(call.body)),
        amount=0 if dearest is None else cost_of([(dearest, medium.pieces(settled))]),
        now=now,
        deadline=deadline,
    )


def _likely(row: ModelRow, providers: Sequence[str] | None) -> ModelRow:
    """The row as the first candidate has it of those that may make it."""
    likely = [each for each in row.candidates if providers is None or each.provider in providers]
    return row.served_by((likely or row.candidates)[0])


def _input(request: ModelRequest) -> dict[str, Any]:
    members = request.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {name: value for name, value in members.items() if name not in ABOUT_THE_REPLY}


async def _taken[Request: ModelRequest](
    studio: Studio, call: Call, order: _Order[Request], standing: Standing, turn: Slot
) -> Job:
    """Hold the money, and have the job made."""
    admission = await studio.gateway.admitter.admit(
        order.key, Fixed(order.amount), call.record.request_id, order.medium.hold_seconds
    )
    standing.tell(admission)
    job = _job(studio, order, admission)
    await _put(studio, order, job, admission)
    async with turn.keeping():
        return await _started(studio, order.medium, job, turn)


async def _put[Request: ModelRequest](
    studio: Studio, order: _Order[Request], job: Job, admission: Admission
) -> None:
    """Put the request and the job; what was put of them is taken back where not all of it can be."""
    try:
        blob = Blob(_request_file(order).model_dump_json(exclude_none=True).encode(), "application/json")
        await studio.bucket.put(request_key(job.id), blob)
    except Exception:  # whatever it is, the money must not stay held
        await studio.gateway.settler.release(admission)
        raise
    try:
        await studio.jobs.put_new(job)
    except Exception:  # likewise
        await _taken_back(studio, job, admission)
        raise


async def _taken_back(studio: Studio, job: Job, admission: Admission) -> None:
    """Nobody knows whether the job was put. If it is put later on, the schedule fails it."""
    try:
        await studio.closer.fail(job.id, "server_error")
    except JobOverError:  # it was not
        await studio.gateway.settler.release(admission)
        with suppress(OverloadedError, AWSError):
            await studio.bucket.delete(request_key(job.id))
    except (OverloadedError, AWSError):
        logger.exception("nobody knows whether %s was put", job.id)
        await studio.gateway.settler.release(admission)


async def _started[Request: ModelRequest](
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
    _keep(turn, job)
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
        _keep(turn, job)
    return None


def _keep(turn: Slot, job: Job) -> None:
    turn.whole(to_json({"job": job.id}))


async def _left_behind[Request: ModelRequest](
    studio: Studio, order: _Order[Request], turn: Slot
) -> Job | None:
    """The job of an earlier request with the same Idempotency-Key that died before it could keep the job's id."""
    if turn.before is None:
        return None
    job = await studio.jobs.get(job_id_of(turn.before, order.medium.KIND))
    return None if job is None or job.state in ("failing", "failed") else job


async def _replayed[Request: ModelRequest](
    studio: Studio, call: Call, order: _Order[Request], job_id: str
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


def _attempt[Request: ModelRequest](call: Call, order: _Order[Request]) -> Attempt:
    return Attempt(
        key_id=order.key.id,
        idempotency_key=call.idempotency_key,
        path=call.record.path,
        request_hash=order.request_hash,
        request_id=call.record.request_id,
        streams=False,
        deadline=order.deadline,
    )


def _request_file[Request: ModelRequest](order: _Order[Request]) -> RequestFile:
    request = order.request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return RequestFile(
        request=request,
        model=order.model,
        legs=tuple(maker.leg for maker in order.makers),
        callback_secret=secrets.token_urlsafe(32) if order.medium.KIND == "video" else None,
        key_digest=order.key.digest if request.get(WEBHOOK) else None,
    )


def _job[Request: ModelRequest](studio: Studio, order: _Order[Request], admission: Admission) -> Job:
    medium, now = order.medium, order.now
    lasts = min(medium.job_seconds(studio.settings), medium.MACHINE_SECONDS)
    return Job(
        id=job_id_of(admission.request_id, medium.KIND),
        request_id=admission.request_id,
        key_id=order.key.id,
        owner=order.key.owner,
        kind=medium.KIND,
        state="queued",
        model=order.model,
        count=medium.count(order.request),
        hold=admission.hold,
        created_at=int(now * 1000),
        deadline=math.ceil(now + lasts),
        expires_at=math.ceil(now) + studio.settings.output_days * DAY_SECONDS,
        request_hash=order.request_hash,
        input_hash=order.input_hash,
        seconds=medium.seconds(order.request),
        size=medium.size(order.request, order.makers[0].row),
        has_webhook=bool(getattr(order.request, WEBHOOK, None)),
    )


def job_id_of(request_id: str, kind: JobKind) -> str:
    """The id of the job that a request makes."""
    return LEADS[kind] + request_id.removeprefix(REQUEST_LEAD)

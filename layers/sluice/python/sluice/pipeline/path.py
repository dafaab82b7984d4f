"""The path of a request to a model, from top to bottom."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import assert_never

from sluice.accounting.counter import Limits
from sluice.accounting.demand import Bound, dearest, surcharged
from sluice.api.model_request import ModelRequest
from sluice.api.shapes import ReplyShape
from sluice.api.validation import parse_object
from sluice.observability import RequestRecord
from sluice.pipeline.attempts import Errand, answered_by_any
from sluice.pipeline.authenticate import authenticate
from sluice.pipeline.endpoint import Endpoint
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.hashes import request_hash
from sluice.pipeline.health_monitor import Afterwards, watched
from sluice.pipeline.hold import held
from sluice.pipeline.idempotency import REPLAYED, Attempt, replayed
from sluice.pipeline.leg import Leg
from sluice.pipeline.limits import limits_of
from sluice.pipeline.plan import Asked, legs_of
from sluice.pipeline.recording import Slot
from sluice.pipeline.reply import Reply, StreamedReply, WholeReply
from sluice.pipeline.route import choices_of, wanted_providers
from sluice.pipeline.route_headers import tell_repeated
from sluice.pipeline.search import Found, SearchPlan, searched
from sluice.pipeline.standing import Standing, standing_of
from sluice.stores.kept_replies import KeptReply
from sluice.stores.keys import KeyRecord


async def _nobody_objects() -> None:
    pass


def _never(_: Callable[[], Awaitable[None]]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came in.

    ``providers`` are the only ones that may answer, as the client's header names them.
    ``record`` takes down what becomes of it, ``headers`` go with the reply, ``allowed`` returns once its address is
    known to be within its limit, ``afterwards`` takes what is to be done once the client has its reply.
    """

    authorization: str | None
    body: bytes
    record: RequestRecord
    headers: MutableMapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    providers: str | None = None
    allowed: Callable[[], Awaitable[None]] = _nobody_objects
    afterwards: Afterwards = _never


@dataclass(frozen=True, slots=True)
class _Understood[Request: ModelRequest]:
    """A valid request: whose, for which model, who may answer, what that takes at most, and by when it has to be.

    ``search`` is made before anybody answers.
    """

    key: KeyRecord
    request: Request
    model: str
    legs: Sequence[Leg[Request]]
    search: SearchPlan | None
    request_hash: str
    limits: Limits
    demand: Bound
    deadline: float


@asynccontextmanager
async def answered[Request: ModelRequest, Whole: ReplyShape](
    gateway: Gateway, call: Call, endpoint: Endpoint[Request, Whole]
) -> AsyncGenerator[Reply]:
    """Answer a request; the reply lasts as long as the context, which ends when the request is settled.

    Raises:
        SluiceError: on entry; once entered, a streamed reply tells its failures itself.
    """
    started = asyncio.get_running_loop().time()
    key = await authenticate(call.authorization, gateway.keys, time.time())
    call.record.key_id = key.id
    async with standing_of(key, call.headers, gateway.admitter) as standing:
        asked = await _understood(gateway, call, endpoint, key, started)
        await call.allowed()
        async with gateway.idempotency.turn(_attempt(call, asked)) as turn:
            match turn:
                case KeptReply():
                    await standing.tell_unadmitted()
                    reply = _repeated(turn, asked)
                    call.record.replayed = True
                    call.headers.update(REPLAYED)
                    tell_repeated(call.headers, turn, reply)
                    yield reply
                case Slot():
                    async with _admitted(gateway, call, endpoint, asked, standing, turn) as reply:
                        yield reply
                case unknown:
                    assert_never(unknown)


async def _understood[Request: ModelRequest, Whole: ReplyShape](
    gateway: Gateway, call: Call, endpoint: Endpoint[Request, Whole], key: KeyRecord, started: float
) -> _Understood[Request]:
    raw = parse_object(call.body)
    request = endpoint.understood(raw)
    call.record.stream = request.streams
    call.record.asked_model = ", ".join(dict.fromkeys([request.model, *request.other_models]))
    choices = await choices_of(gateway.models, request, endpoint.KINDS, key, falls_back=endpoint.FALLS_BACK)
    first = choices[0].row
    call.record.turns_to(first.id, None if request.model in first.names else request.model)
    limits = limits_of(key)
    bounded = limits.budget is not None
    search = await endpoint.search(request, gateway.catalog, gateway.credentials, bounded=bounded)
    asked = Asked(
        request,
        body_bytes=len(call.body) + (search.added_bytes if search else 0),
        bounded=bounded,
        providers=wanted_providers(call.providers, gateway.catalog, choices),
    )
    legs = await legs_of(gateway, endpoint, asked, choices)
    settings = gateway.settings
    return _Understood(
        key=key,
        request=request,
        model=choices[0].row.id,
        legs=legs,
        search=search,
        request_hash=await request_hash(raw, len(call.body)),
        limits=limits,
        demand=surcharged(dearest([leg.demand for leg in legs]), search.cost if search else 0),
        deadline=started + (settings.stream_timeout_seconds if request.streams else settings.timeout_seconds),
    )


@asynccontextmanager
async def _admitted[Request: ModelRequest, Whole: ReplyShape](
    gateway: Gateway,
    call: Call,
    endpoint: Endpoint[Request, Whole],
    asked: _Understood[Request],
    standing: Standing,
    turn: Slot,
) -> AsyncIterator[Reply]:
    """Admit, search, call, answer, settle; the reply to an Idempotency-Key is stored before it is settled."""
    parts, request_id = (gateway.admitter, gateway.settler), call.record.request_id
    async with (
        watched(gateway.health, asked.model, call.afterwards) as watch,
        held(*parts, asked.key, asked.demand, request_id, asked.deadline) as hold,
    ):
        standing.tell(hold.admission)
        found = await _found(gateway, call, asked)
        errand = Errand(
            gateway=gateway,
            endpoint=endpoint,
            name=asked.request.model,
            legs=_informed(endpoint, asked.legs, found),
            deadline=asked.deadline,
            request_hash=asked.request_hash,
            limited=asked.limits.bounded,
            hold=hold,
            turn=turn,
            watch=watch,
            record=call.record,
            headers=call.headers,
            afterwards=call.afterwards,
            found=found,
        )
        async with turn.keeping(), answered_by_any(errand) as reply:
            yield reply


async def _found[Request: ModelRequest](
    gateway: Gateway, call: Call, asked: _Understood[Request]
) -> Found | None:
    """What the web has on it, where the client wants to know."""
    if asked.search is None:
        return None
    found = await searched(gateway.upstream, asked.search, asked.deadline, gateway.settings.search_seconds)
    call.record.searches, call.record.search_results = found.searches, len(found.sources)
    return found


def _informed[Request: ModelRequest, Whole: ReplyShape](
    endpoint: Endpoint[Request, Whole], legs: Sequence[Leg[Request]], found: Found | None
) -> Sequence[Leg[Request]]:
    if found is None:
        return legs
    return [replace(leg, request=endpoint.informed(leg.request, found)) for leg in legs]


def _attempt[Request: ModelRequest](call: Call, asked: _Understood[Request]) -> Attempt:
    return Attempt(
        key_id=asked.key.id,
        idempotency_key=call.idempotency_key,
        path=call.record.path,
        request_hash=asked.request_hash,
        request_id=call.record.request_id,
        streams=asked.request.streams,
        deadline=asked.deadline,
    )


def _repeated[Request: ModelRequest](kept: KeptReply, asked: _Understood[Request]) -> Reply:
    if asked.request.streams:
        return StreamedReply(replayed(kept), asked.deadline)
    return WholeReply(kept.body)

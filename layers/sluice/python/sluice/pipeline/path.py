"""The path of a request to a model, from top to bottom."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import assert_never

from sluice.accounting.counter import Limits
from sluice.accounting.demand import Demand
from sluice.api.chat_reply import ChatCompletionChunk
from sluice.api.completion_reply import CompletionChunk
from sluice.api.model_request import ModelRequest, StreamableRequest
from sluice.api.shapes import ReplyShape
from sluice.api.validation import parse_object
from sluice.catalog import Candidate, ModelRow
from sluice.errors import SluiceError
from sluice.observability import RequestRecord
from sluice.pipeline.authenticate import authenticate
from sluice.pipeline.billable import check_billable
from sluice.pipeline.call import OutOfTimeError, expired, streamed_reply, whole_reply, within
from sluice.pipeline.endpoint import Endpoint, StreamingEndpoint
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.hashes import hashed, request_hash
from sluice.pipeline.health_monitor import Afterwards, Watch, watched
from sluice.pipeline.hold import Held, held
from sluice.pipeline.idempotency import REPLAYED, Attempt, replayed
from sluice.pipeline.limits import limits_of
from sluice.pipeline.measure import Meter
from sluice.pipeline.recording import Slot
from sluice.pipeline.route import find_model, target_of
from sluice.pipeline.standing import Standing, standing_of
from sluice.pipeline.stream import Pace, frames
from sluice.providers.contract import Provider, ProviderCall
from sluice.providers.registry import PROVIDERS
from sluice.stores.kept_replies import KeptReply
from sluice.stores.keys import KeyRecord
from sluice.wire.sse import Frame

ANSWERING_MODEL = "x-sluice-model"
"""The reply's header with the id of the model that answers: another one than was asked for, once that is retired."""


async def _nobody_objects() -> None:
    pass


def _never(_: Callable[[], Awaitable[None]]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came in.

    ``record`` takes down what becomes of it, ``headers`` go with the reply, ``allowed`` returns once its address is
    known to be within its limit, ``afterwards`` takes what is to be done once the client has its reply.
    """

    authorization: str | None
    body: bytes
    record: RequestRecord
    headers: MutableMapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    allowed: Callable[[], Awaitable[None]] = _nobody_objects
    afterwards: Afterwards = _never


@dataclass(frozen=True, slots=True)
class WholeReply:
    """A JSON body."""

    body: bytes


@dataclass(frozen=True, slots=True)
class StreamedReply:
    """Server-sent events, the last one marked; ``deadline`` is by the loop's clock."""

    frames: AsyncIterator[Frame]
    deadline: float


Reply = WholeReply | StreamedReply


@dataclass(frozen=True, slots=True)
class _Understood[Request: ModelRequest]:
    """A valid request: whose, for which model, what it takes at most, and by when it has to be answered."""

    key: KeyRecord
    request: Request
    row: ModelRow
    request_hash: str
    limits: Limits
    demand: Demand
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
                    call.headers.update(REPLAYED)
                    yield _repeated(turn, asked)
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
    row = await find_model(gateway.models, request.model, endpoint.KINDS, key)
    call.record.model = row.id
    call.headers[ANSWERING_MODEL] = row.id
    row = row.served_by(row.candidates[0])
    endpoint.check(request, _provider_of(gateway, row.candidates[0]), row)
    limits = limits_of(key)
    if limits.budget is not None:
        check_billable(request, row)
    settings = gateway.settings
    return _Understood(
        key=key,
        request=request,
        row=row,
        request_hash=await request_hash(raw, len(call.body)),
        limits=limits,
        demand=endpoint.demand(request, len(call.body), row, bounded=limits.budget is not None),
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
    """Admit, call, answer, settle; the reply to an Idempotency-Key is stored before it is settled."""
    parts, request_id = (gateway.admitter, gateway.settler), call.record.request_id
    async with (
        watched(gateway.health, asked.row.id, call.afterwards) as watch,
        held(*parts, asked.key, asked.demand, request_id, asked.deadline) as hold,
    ):
        output_tokens = hold.admission.fit.output_tokens
        sent = (
            endpoint.limited(asked.request, output_tokens, asked.row)
            if asked.limits.bounded
            else asked.request
        )
        standing.tell(hold.admission, filled=asked.demand.adjustable and sent is not asked.request)

        candidate = asked.row.candidates[0]
        call.record.provider = candidate.provider
        provider = _provider_of(gateway, candidate)
        target = await target_of(gateway.catalog, asked.row, candidate, provider, gateway.credentials)
        upstream_call = ProviderCall(
            sent, target, id=f"{endpoint.ID_PREFIX}{uuid.uuid4().hex}", now=time.time()
        )
        most = asked.demand.most(output_tokens)
        meter = Meter(endpoint, sent, most, asked.row, candidate.provider, asked.request_hash, call.record)
        work = _Work(gateway, provider, upstream_call, asked.deadline, hold, meter, turn, watch)
        async with turn.keeping(), _answer(work, endpoint) as reply:
            yield reply


@dataclass(frozen=True, slots=True)
class _Work[Request: ModelRequest, Whole: ReplyShape]:
    """An admitted request on its way to a provider.

    ``meter`` measures it, ``turn`` may keep its reply, ``watch`` sees how the provider does.
    """

    gateway: Gateway
    provider: Provider
    call: ProviderCall[Request]
    deadline: float
    hold: Held
    meter: Meter[Request, Whole]
    turn: Slot
    watch: Watch

    def sends(self) -> None:
        """The provider is asked."""
        self.meter.record.asks_provider()
        self.watch.asks()


def _provider_of(gateway: Gateway, candidate: Candidate) -> Provider:
    return PROVIDERS[gateway.catalog.providers[candidate.provider].kind]


def _answer[Request: ModelRequest, Whole: ReplyShape](
    work: _Work[Request, Whole], endpoint: Endpoint[Request, Whole]
) -> AbstractAsyncContextManager[Reply]:
    if isinstance(endpoint, StreamingEndpoint) and work.call.request.streams:
        return _streamed(work, endpoint)
    return _whole(work, endpoint)


@asynccontextmanager
async def _whole[Request: ModelRequest, Whole: ReplyShape](
    work: _Work[Request, Whole], endpoint: Endpoint[Request, Whole]
) -> AsyncIterator[WholeReply]:
    meter, call = work.meter, work.call
    operation = endpoint.operation(work.provider, meter.row)
    upstream, provider = work.gateway.upstream, work.provider
    try:
        received = await whole_reply(upstream, provider, operation, call, work.deadline, work.sends)
    except OutOfTimeError:
        work.watch.excuses()  # a long answer, of which nothing is seen before its end, is no sign of a bad day
        raise
    work.watch.hears()
    members = endpoint.told(call.request, received, meter.most).model_dump(mode="json")
    body, digest = await hashed(members, meter.request_hash)
    work.hold.outcome = lambda: meter.whole(received, digest)
    work.watch.finished = True
    yield WholeReply(work.turn.whole(body))


@asynccontextmanager
async def _streamed[
    Request: StreamableRequest,
    Whole: ReplyShape,
    Chunk: (ChatCompletionChunk, CompletionChunk),
](
    work: _Work[Request, Whole], endpoint: StreamingEndpoint[Request, Whole, Chunk]
) -> AsyncIterator[StreamedReply]:
    meter, call, deadline = work.meter, work.call, work.deadline
    operation = endpoint.operation(work.provider, meter.row)
    renderer = endpoint.renderer(call.request, meter.request_hash)
    upstream, provider = work.gateway.upstream, work.provider
    async with streamed_reply(upstream, provider, operation, call, deadline, work.sends) as chunks:
        async with within(deadline):
            first = await anext(chunks)
        work.watch.hears()
        # From here on the provider has worked for it: what was received is charged, however the stream ends.
        work.hold.outcome = lambda: meter.streamed(renderer)
        pace = Pace(deadline=deadline, keep_alive_seconds=work.gateway.settings.keep_alive_seconds)
        rendered = frames(_chain(first, chunks, work.watch, deadline), renderer, pace, meter.record)
        async with aclosing(work.turn.recorded(rendered)) as sent:
            yield StreamedReply(sent, deadline)


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


async def _chain[Chunk](
    first: Chunk, rest: AsyncIterator[Chunk], watch: Watch, deadline: float
) -> AsyncIterator[Chunk]:
    yield first
    try:
        async for chunk in rest:
            yield chunk
    except SluiceError as error:
        watch.error = error
        raise
    except asyncio.CancelledError:
        if asyncio.get_running_loop().time() >= deadline:  # nobody waits for the provider any longer
            watch.error = expired()
        raise
    watch.finished = True

"""The path of a chat completion, from top to bottom."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, assert_never

from pydantic_core import to_json

from sluice.accounting.counter import Limits
from sluice.accounting.demand import Demand
from sluice.api.chat_reply import ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import parse_object, validate
from sluice.catalog import ModelRow
from sluice.errors import UnsupportedParameterError
from sluice.observability import RequestRecord
from sluice.pipeline.authenticate import authenticate
from sluice.pipeline.billable import check_billable
from sluice.pipeline.bound import demand_of, limited
from sluice.pipeline.call import streamed_reply, whole_reply, within
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.hashes import request_hash, response_hash
from sluice.pipeline.hold import Held, held
from sluice.pipeline.idempotency import REPLAYED, Attempt, replayed
from sluice.pipeline.limits import limits_of
from sluice.pipeline.measure import Meter
from sluice.pipeline.recording import Slot
from sluice.pipeline.route import find_model, target_of
from sluice.pipeline.standing import Standing, standing_of
from sluice.pipeline.stream import ChunkRenderer, Pace, frames
from sluice.providers.contract import Provider, ProviderCall
from sluice.providers.registry import PROVIDERS
from sluice.stores.kept_replies import KeptReply
from sluice.stores.keys import KeyRecord
from sluice.wire.sse import Frame


@dataclass(frozen=True, slots=True)
class ChatDefaults:
    """What an alias fills in where a client says nothing."""

    model: str
    max_tokens: int


async def _nobody_objects() -> None:
    pass


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A chat request as it came in.

    ``record`` takes down what becomes of it, ``headers`` go with the reply, ``allowed`` returns once its address is
    known to be within its limit.
    """

    authorization: str | None
    body: bytes
    record: RequestRecord
    defaults: ChatDefaults | None = None
    headers: MutableMapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    allowed: Callable[[], Awaitable[None]] = _nobody_objects


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
class _Understood:
    """A valid request: whose, for which model, what it takes at most, and by when it has to be answered."""

    key: KeyRecord
    request: ChatCompletionRequest
    row: ModelRow
    request_hash: str
    limits: Limits
    demand: Demand
    deadline: float


@asynccontextmanager
async def chat(gateway: Gateway, call: ChatCall) -> AsyncGenerator[Reply]:
    """Answer a chat request; the reply lasts as long as the context, which ends when the request is settled.

    Raises:
        SluiceError: on entry; once entered, a streamed reply tells its failures itself.
    """
    started = asyncio.get_running_loop().time()
    key = await authenticate(call.authorization, gateway.keys, time.time())
    call.record.key_id = key.id
    async with standing_of(key, call.headers, gateway.admitter) as standing:
        asked = await _understood(gateway, call, key, started)
        await call.allowed()
        async with gateway.idempotency.turn(_attempt(call, asked)) as turn:
            match turn:
                case KeptReply():
                    await standing.tell_unadmitted()
                    call.headers.update(REPLAYED)
                    yield _repeated(turn, asked)
                case Slot():
                    async with _answered(gateway, call, asked, standing, turn) as reply:
                        yield reply
                case unknown:
                    assert_never(unknown)


async def _understood(gateway: Gateway, call: ChatCall, key: KeyRecord, started: float) -> _Understood:
    raw = parse_object(call.body)
    request = validate(ChatCompletionRequest, _with_defaults(raw, call.defaults))
    _refuse_search(request)
    call.record.stream = request.streams
    row = find_model(gateway.catalog, request.model, "chat", key)
    call.record.model = row.id
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
        demand=demand_of(request, len(call.body), row, bounded=limits.budget is not None),
        deadline=started + (settings.stream_timeout_seconds if request.streams else settings.timeout_seconds),
    )


@asynccontextmanager
async def _answered(
    gateway: Gateway, call: ChatCall, asked: _Understood, standing: Standing, turn: Slot
) -> AsyncIterator[Reply]:
    """Admit, call, answer, settle; the reply to an Idempotency-Key is stored before it is settled."""
    parts, request_id = (gateway.admitter, gateway.settler), call.record.request_id
    async with held(*parts, asked.key, asked.demand, request_id, asked.deadline) as hold:
        output_tokens = hold.admission.fit.output_tokens
        sent = limited(asked.request, output_tokens, asked.row) if asked.limits.bounded else asked.request
        standing.tell(hold.admission, filled=asked.demand.adjustable and sent is not asked.request)

        candidate = asked.row.candidates[0]
        call.record.provider = candidate.provider
        provider = PROVIDERS[gateway.catalog.providers[candidate.provider].kind]
        target = await target_of(gateway.catalog, asked.row, candidate, provider, gateway.credentials)
        upstream_call = ProviderCall(sent, target, id=f"chatcmpl-{uuid.uuid4().hex}", now=time.time())
        most = asked.demand.most(output_tokens)
        meter = Meter(sent, most, asked.row, candidate.provider, asked.request_hash, call.record)
        work = _Work(gateway, provider, upstream_call, asked.deadline, hold, meter, turn)
        async with turn.keeping(), _streamed(work) if sent.streams else _whole(work) as reply:
            yield reply


@dataclass(frozen=True, slots=True)
class _Work:
    """An admitted request on its way to a provider; ``meter`` measures it, ``turn`` may keep its reply."""

    gateway: Gateway
    provider: Provider
    call: ProviderCall
    deadline: float
    hold: Held
    meter: Meter
    turn: Slot


@asynccontextmanager
async def _whole(work: _Work) -> AsyncIterator[WholeReply]:
    meter = work.meter
    meter.record.asks_provider()
    completion = await whole_reply(work.gateway.upstream, work.provider, work.call, work.deadline)
    members = completion.model_dump(mode="json")
    hashes = {"requestHash": meter.request_hash, "responseHash": response_hash(members)}
    work.hold.outcome = lambda: meter.whole(completion, hashes["responseHash"])
    yield WholeReply(work.turn.whole(to_json({**members, **hashes})))


@asynccontextmanager
async def _streamed(work: _Work) -> AsyncIterator[StreamedReply]:
    meter, deadline = work.meter, work.deadline
    include_usage = work.call.request.wants_usage_chunk
    renderer = ChunkRenderer(request_hash=meter.request_hash, include_usage=include_usage)
    meter.record.asks_provider()
    async with streamed_reply(work.gateway.upstream, work.provider, work.call, deadline) as chunks:
        async with within(deadline):
            first = await anext(chunks)
        # From here on the provider has worked for it: what was received is charged, however the stream ends.
        work.hold.outcome = lambda: meter.streamed(renderer)
        pace = Pace(deadline=deadline, keep_alive_seconds=work.gateway.settings.keep_alive_seconds)
        rendered = frames(_chain(first, chunks), renderer, pace, meter.record)
        async with aclosing(work.turn.recorded(rendered)) as sent:
            yield StreamedReply(sent, deadline)


def _attempt(call: ChatCall, asked: _Understood) -> Attempt:
    return Attempt(
        key_id=asked.key.id,
        idempotency_key=call.idempotency_key,
        path=call.record.path,
        request_hash=asked.request_hash,
        request_id=call.record.request_id,
        streams=asked.request.streams,
        deadline=asked.deadline,
    )


def _repeated(kept: KeptReply, asked: _Understood) -> Reply:
    if asked.request.streams:
        return StreamedReply(replayed(kept), asked.deadline)
    return WholeReply(kept.body)


def _with_defaults(raw: dict[str, Any], defaults: ChatDefaults | None) -> dict[str, Any]:
    """The body with an alias's defaults; ``max_tokens`` only where the client sets no limit by either name."""
    if defaults is None:
        return raw
    filled = dict(raw)
    if filled.get("model") is None:
        filled["model"] = defaults.model
    if filled.get("max_tokens") is None and filled.get("max_completion_tokens") is None:
        filled["max_tokens"] = defaults.max_tokens
    return filled


def _refuse_search(request: ChatCompletionRequest) -> None:
    if request.search_enabled:
        raise UnsupportedParameterError("No search engine is configured.", param="search_enabled")


async def _chain(
    first: ChatCompletionChunk, rest: AsyncIterator[ChatCompletionChunk]
) -> AsyncIterator[ChatCompletionChunk]:
    yield first
    async for chunk in rest:
        yield chunk

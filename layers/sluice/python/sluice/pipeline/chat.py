"""The path of a chat completion, from top to bottom."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.usage import Usage
from sluice.api.validation import parse_object, validate
from sluice.errors import UnsupportedParameterError
from sluice.observability import RequestRecord
from sluice.pipeline.authenticate import authenticate
from sluice.pipeline.call import streamed_reply, whole_reply, within
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.hashes import request_hash, response_hash
from sluice.pipeline.route import find_model, target_of
from sluice.pipeline.stream import ChunkRenderer, Pace, frames
from sluice.providers.contract import ProviderCall
from sluice.providers.registry import PROVIDERS
from sluice.wire.sse import Frame


@dataclass(frozen=True, slots=True)
class ChatDefaults:
    """What an alias fills in where a client says nothing."""

    model: str
    max_tokens: int


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A chat request as it came in; ``record`` takes down what becomes of it."""

    authorization: str | None
    body: bytes
    record: RequestRecord
    defaults: ChatDefaults | None = None


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


@asynccontextmanager
async def chat(gateway: Gateway, call: ChatCall) -> AsyncGenerator[Reply]:
    """Answer a chat request; the reply lasts as long as the context, which ends after its last byte.

    Raises:
        SluiceError: on entry; once entered, a streamed reply tells its failures itself.
    """
    clock = asyncio.get_running_loop().time
    started = clock()
    key = await authenticate(call.authorization, gateway.keys, time.time())
    call.record.key_id = key.id

    raw = parse_object(call.body)
    request = validate(ChatCompletionRequest, _with_defaults(raw, call.defaults))
    _refuse_search(request)
    call.record.stream = request.streams
    row = find_model(gateway.catalog, request.model, "chat", key)
    call.record.model = row.id
    hashed = await request_hash(raw, len(call.body))

    candidate = row.candidates[0]
    call.record.provider = candidate.provider
    provider = PROVIDERS[gateway.catalog.providers[candidate.provider].kind]
    target = await target_of(gateway.catalog, row, candidate, provider, gateway.credentials)
    upstream_call = ProviderCall(request, target, id=f"chatcmpl-{uuid.uuid4().hex}", now=time.time())
    settings = gateway.settings
    if request.streams:
        deadline = started + settings.stream_timeout_seconds
        renderer = ChunkRenderer(request_hash=hashed, include_usage=request.wants_usage_chunk)
        async with streamed_reply(gateway.upstream, provider, upstream_call, deadline) as chunks:
            async with within(deadline):
                first = await anext(chunks)
            pace = Pace(deadline=deadline, keep_alive_seconds=settings.keep_alive_seconds)
            async with aclosing(frames(_chain(first, chunks), renderer, pace, call.record)) as sent:
                yield StreamedReply(sent, deadline)
        _take_down(call.record, renderer.usage)
    else:
        deadline = started + settings.timeout_seconds
        completion = await whole_reply(gateway.upstream, provider, upstream_call, deadline)
        _take_down(call.record, completion.usage)
        yield WholeReply(_with_hashes(completion, hashed))
    await gateway.last_use.note(key)


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


def _with_hashes(completion: ChatCompletion, request: str) -> bytes:
    members = completion.model_dump(mode="json")
    return to_json({**members, "requestHash": request, "responseHash": response_hash(members)})


def _take_down(record: RequestRecord, usage: Usage | None) -> None:
    if usage is not None:
        record.prompt_tokens, record.completion_tokens = usage.prompt_tokens, usage.completion_tokens


async def _chain(
    first: ChatCompletionChunk, rest: AsyncIterator[ChatCompletionChunk]
) -> AsyncIterator[ChatCompletionChunk]:
    yield first
    async for chunk in rest:
        yield chunk

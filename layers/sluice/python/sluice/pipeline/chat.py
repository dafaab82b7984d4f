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
from sluice.api.hashing import canonical_digest
from sluice.api.usage import Usage
from sluice.api.validation import parse_object, validate
from sluice.errors import UnsupportedParameterError
from sluice.observability import RequestRecord
from sluice.pipeline.authenticate import authenticate
from sluice.pipeline.call import streamed_reply, whole_reply, within
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.last_used import note_use
from sluice.pipeline.route import find_model, target_of
from sluice.pipeline.stream import ChunkRenderer, frames
from sluice.providers.contract import ReplyContext
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
    """Server-sent events, the last one marked."""

    frames: AsyncIterator[Frame]


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
    request_hash = canonical_digest(raw)
    request = validate(ChatCompletionRequest, _with_defaults(raw, call.defaults))
    _refuse_search(request)
    call.record.model, call.record.stream = request.model, request.streams

    row = find_model(gateway.catalog, request.model, "chat", key)
    candidate = row.candidates[0]
    target = await target_of(gateway.catalog, candidate, gateway.credentials)
    provider = PROVIDERS[gateway.catalog.providers[candidate.provider].kind]
    call.record.provider = candidate.provider

    upstream_request = provider.chat_request(request, target)
    context = ReplyContext(request.model, f"chatcmpl-{uuid.uuid4().hex}", int(time.time()))
    if request.streams:
        deadline = started + gateway.settings.stream_timeout_seconds
        renderer = ChunkRenderer(request_hash=request_hash, include_usage=request.wants_usage_chunk)
        async with streamed_reply(gateway.upstream, provider, upstream_request, context, deadline) as chunks:
            async with within(deadline):
                first = await anext(chunks)
            keep_alive = gateway.settings.keep_alive_seconds
            async with aclosing(
                frames(_chain(first, chunks), renderer, deadline=deadline, keep_alive_seconds=keep_alive)
            ) as sent:
                yield StreamedReply(sent)
        _take_down(call.record, renderer.usage)
    else:
        deadline = started + gateway.settings.timeout_seconds
        completion = await whole_reply(gateway.upstream, provider, upstream_request, context, deadline)
        _take_down(call.record, completion.usage)
        yield WholeReply(_with_hashes(completion, request_hash))
    await note_use(gateway, key)


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


def _with_hashes(completion: ChatCompletion, request_hash: str) -> bytes:
    members = completion.model_dump(mode="json")
    return to_json({**members, "requestHash": request_hash, "responseHash": canonical_digest(members)})


def _take_down(record: RequestRecord, usage: Usage | None) -> None:
    if usage is not None:
        record.prompt_tokens, record.completion_tokens = usage.prompt_tokens, usage.completion_tokens


async def _chain(
    first: ChatCompletionChunk, rest: AsyncIterator[ChatCompletionChunk]
) -> AsyncIterator[ChatCompletionChunk]:
    yield first
    async for chunk in rest:
        yield chunk

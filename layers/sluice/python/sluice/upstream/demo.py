"""Answers ``demo:`` addresses in this process, as a provider would over HTTP: token by token when streamed."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import httpx
from pydantic_core import from_json, to_json

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.providers.demo import chat_answers, completion_answers, vectors
from sluice.providers.openai.replies import STREAM_CONTENT_TYPE
from sluice.wire import sse

MODELS = ("demo", "demo-embedding")

type Body = bytes | Iterator[bytes]
"""A whole reply, or the payloads of its events."""


class DemoTransport(httpx.AsyncBaseTransport):
    """The demo provider's side of the wire.

    Args:
        token_seconds: pause between two tokens, so that a stream can be watched.
    """

    def __init__(self, token_seconds: float) -> None:
        self._token_seconds = token_seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; an unknown path is a 404."""
        answer = _ANSWERS.get(request.url.path)
        if answer is None:
            return httpx.Response(404)
        match answer(await request.aread()):
            case bytes() as body:
                return httpx.Response(200, headers={"content-type": "application/json"}, content=body)
            case payloads:
                frames = _Frames(payloads, self._token_seconds)
                return httpx.Response(200, headers={"content-type": STREAM_CONTENT_TYPE}, stream=frames)


def _chat(body: bytes) -> Body:
    asked = ChatCompletionRequest.model_validate(from_json(body))
    made = (asked, chat_answers.answer(asked), f"chatcmpl-{uuid.uuid4().hex}", int(time.time()))
    return chat_answers.events(*made) if asked.streams else chat_answers.reply_body(*made)


def _completions(body: bytes) -> Body:
    asked = CompletionRequest.model_validate(from_json(body))
    made = (asked, completion_answers.answers(asked), f"cmpl-{uuid.uuid4().hex}", int(time.time()))
    return completion_answers.events(*made) if asked.streams else completion_answers.reply_body(*made)


def _embeddings(body: bytes) -> Body:
    return vectors.reply_body(EmbeddingsRequest.model_validate(from_json(body)))


def _models(_: bytes) -> Body:
    rows = [{"id": name, "object": "model", "created": 0, "owned_by": "sluice"} for name in MODELS]
    return to_json({"object": "list", "data": rows})


_ANSWERS: Mapping[str, Callable[[bytes], Body]] = {
    "/chat/completions": _chat,
    "/completions": _completions,
    "/embeddings": _embeddings,
    "/models": _models,
}


class _Frames(httpx.AsyncByteStream):
    def __init__(self, payloads: Iterator[bytes], token_seconds: float) -> None:
        self._payloads = payloads
        self._token_seconds = token_seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for position, payload in enumerate(self._payloads):
            if position and self._token_seconds:
                await asyncio.sleep(self._token_seconds)
            yield sse.frame(payload)
        yield sse.DONE

"""Answers ``demo:`` addresses in this process, as a provider would over HTTP: token by token when streamed."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator

import httpx
from pydantic_core import from_json

from sluice.api.chat_request import ChatCompletionRequest
from sluice.providers import demo
from sluice.wire import sse


class DemoTransport(httpx.AsyncBaseTransport):
    """The demo provider's side of the wire.

    Args:
        token_seconds: pause between two tokens, so that a stream can be watched.
    """

    def __init__(self, token_seconds: float) -> None:
        self._token_seconds = token_seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one chat completion."""
        asked = ChatCompletionRequest.model_validate(from_json(await request.aread()))
        answer = demo.answer(asked)
        reply_id, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
        if not asked.streams:
            body = demo.whole_reply(asked, answer, reply_id, created)
            return httpx.Response(200, headers={"content-type": "application/json"}, content=body)
        frames = _Frames(demo.events(asked, answer, reply_id, created), self._token_seconds)
        return httpx.Response(200, headers={"content-type": demo.STREAM_CONTENT_TYPE}, stream=frames)


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

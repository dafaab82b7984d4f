"""Answers ``demo:`` addresses in this process, as a provider would over HTTP: token by token when streamed."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx

from sluice.wire import sse

JSON = "application/json"
EVENT_STREAM = "text/event-stream"


class DemoTransport(httpx.AsyncBaseTransport):
    """The demo provider's side of the wire.

    Args:
        token_seconds: pause between two tokens, so that a stream can be watched.
    """

    def __init__(self, token_seconds: float) -> None:
        self._token_seconds = token_seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; an unknown path is a 404."""
        # Imported here: an environment that only asks real providers starts without it.
        from sluice.upstream.demo_answers import File, answer

        match answer(request.method, request.url.path, await request.aread()):
            case None:
                return httpx.Response(404, stream=httpx.ByteStream(b""))
            case bytes() as body:
                return httpx.Response(200, headers={"content-type": JSON}, stream=httpx.ByteStream(body))
            case File() as file:
                content = httpx.ByteStream(file.content)
                return httpx.Response(200, headers={"content-type": file.content_type}, stream=content)
            case payloads:
                frames = _Frames(payloads, self._token_seconds)
                return httpx.Response(200, headers={"content-type": EVENT_STREAM}, stream=frames)


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

"""A provider without a network: one answer for all requests, and what became of them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sluice.providers.contract import UpstreamRequest
from sluice.upstream.client import UpstreamResponse

Part = bytes | Exception | None


class Response:
    """A provider's answer: the parts of its body, or an exception, or None to hang there."""

    def __init__(self, status: int, content_type: str, parts: tuple[Part, ...]) -> None:
        self._status = status
        self._headers = {"content-type": content_type}
        self._parts = parts

    @property
    def status(self) -> int:
        return self._status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    async def read(self) -> bytes:
        return b"".join([part async for part in self.chunks()])

    async def chunks(self) -> AsyncGenerator[bytes]:
        for part in self._parts:
            if part is None:
                await asyncio.Event().wait()
            elif isinstance(part, Exception):
                raise part
            else:
                yield part


class FakeUpstream:
    """Answers with one response; sees requests come and contexts end."""

    def __init__(self, *parts: Part, status: int = 200, content_type: str = "text/event-stream") -> None:
        self.response = Response(status, content_type, parts)
        self.requests: list[UpstreamRequest] = []
        self.released = False

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        self.requests.append(request)
        try:
            yield self.response
        finally:
            self.released = True

    async def close(self) -> None:
        """Nothing to close."""

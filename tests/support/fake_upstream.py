"""Providers without a network: what they answer, and what became of the requests."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from sluice.providers.contract import UpstreamRequest
from sluice.upstream.client import UpstreamResponse

Part = bytes | Exception | None


class Response:
    """A provider's answer: the parts of its body, or an exception, or None to hang there."""

    def __init__(self, status: int, content_type: str, parts: tuple[Part, ...], **headers: str) -> None:
        self._status = status
        self._headers = {"content-type": content_type} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        self._parts = parts

    def __repr__(self) -> str:
        # Tests are named by it, and so it must be the same in every process: no address in memory.
        return f"Response({self._status}, {self._parts!r:.60})"

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


class FakeProviders(FakeUpstream):
    """Several providers, told apart by the host of their address: each answers in turn with what it was given.

    The last of its answers stands for all that follow; an exception is raised before there is a reply, and None hangs.
    """

    def __init__(self, **answers: Sequence[Response | Exception | None]) -> None:
        super().__init__()
        self.answers = {host: list(given) for host, given in answers.items()}
        self.asked: list[str] = []
        """Whose turn it was."""
        self.open = 0
        """How many requests are under way."""

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        host = urlsplit(request.url).hostname or ""
        self.requests.append(request)
        self.asked.append(host)
        self.open += 1
        try:
            answers = self.answers[host]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, Exception):
                raise answer
            if answer is None:
                await asyncio.Event().wait()
                raise AssertionError("it hangs")
            yield answer
        finally:
            self.open -= 1

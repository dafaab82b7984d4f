"""HTTP/1.1 over a socket, written by hand: the tests need every byte of a reply under control, faults included.

``Connection`` reads one request at a time and notices at once when the client goes away. ``Exchange`` is one
request and the means to answer it, rightly or wrongly.
"""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any

UNREGISTERED: Mapping[int, str] = {529: "Overloaded"}
"""Statuses that providers have made up, with their phrases."""


@dataclass
class Received:
    """One request as it came over the wire, and how its exchange ended."""

    method: str
    path: str
    headers: dict[str, str]
    """By lower-case name; of a repeated header the last one."""
    body: bytes
    at: float = field(default_factory=time.monotonic)
    client_left: threading.Event = field(default_factory=threading.Event)
    """The client closed its connection before the reply was complete."""
    answered: threading.Event = field(default_factory=threading.Event)
    """The reply was written to its end, or to where the behaviour broke it off."""

    @cached_property
    def json(self) -> Any:
        """The body parsed, None when it is not JSON."""
        try:
            return json.loads(self.body)
        except (RecursionError, ValueError):
            return None

    @property
    def tag(self) -> str:
        """The ``user`` member of the body, by which a test recognises its own requests; empty without one."""
        body = self.json
        tag = body.get("user") if isinstance(body, dict) else None
        return tag if isinstance(tag, str) else ""


class ClientLeftError(Exception):
    """The client closed its connection."""


class Connection(asyncio.Protocol):
    """One accepted connection; ``serve`` is run for it as a task."""

    def __init__(self, serve: Callable[["Connection"], Awaitable[None]]) -> None:
        self._serve = serve
        self._buffer = bytearray()
        self._news = asyncio.Event()
        self.gone = asyncio.Event()
        self.transport: asyncio.Transport
        self.task: asyncio.Future[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.task = asyncio.ensure_future(self._serve(self))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        self._news.set()

    async def read_request(self) -> Received | None:
        """The next request, None when the client has no more."""
        try:
            head = (await self._take_until(b"\r\n\r\n")).decode("latin-1")
            request_line, *lines = head.rstrip("\r\n").split("\r\n")
            method, path, _ = request_line.split(" ", 2)
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            if headers.get("transfer-encoding", "").lower() == "chunked":
                body = await self._chunked_body()
            else:
                body = await self._take(int(headers.get("content-length", "0")))
        except ClientLeftError:
            return None
        return Received(method, path, headers, body)

    async def _chunked_body(self) -> bytes:
        body = b""
        while size := int((await self._take_until(b"\r\n")).split(b";")[0], 16):
            body += await self._take(size)
            await self._take(2)
        await self._take_until(b"\r\n")
        return body

    async def _take_until(self, mark: bytes) -> bytes:
        while (at := self._buffer.find(mark)) < 0:
            await self._more()
        return await self._take(at + len(mark))

    async def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._more()
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    async def _more(self) -> None:
        if self.gone.is_set():
            raise ClientLeftError
        self._news.clear()
        await self._news.wait()


class Exchange:
    """A request, and the reply while it is being written."""

    def __init__(self, received: Received, transport: asyncio.Transport, gate: asyncio.Semaphore) -> None:
        self.received = received
        self.gate = gate
        """Where a behaviour waits for the test's leave to go on."""
        self.reusable = True
        """Whether the connection can carry another exchange."""
        self._transport = transport

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """The status line and the header lines."""
        lines = [f"HTTP/1.1 {status} {UNREGISTERED.get(status) or HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """A reply of known length."""
        self.head(status, {**headers, "content-length": str(len(body))})
        self.write(body)

    def write(self, data: bytes) -> None:
        """Bytes as they are."""
        self._transport.write(data)

    def start_chunked(self, status: int, headers: Mapping[str, str]) -> None:
        """The beginning of a reply whose pieces follow by ``chunk``."""
        self.head(status, {**headers, "transfer-encoding": "chunked"})

    def chunk(self, data: bytes) -> None:
        """One HTTP chunk in one write."""
        self.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_chunked(self) -> None:
        """The regular end of a chunked reply."""
        self.write(b"0\r\n\r\n")

    def hang_up(self) -> None:
        """Close the connection, whatever is still owed."""
        self.reusable = False
        self._transport.close()

    def reset(self) -> None:
        """Break the connection off: the peer sees a reset."""
        self.reusable = False
        self._transport.abort()

"""Stands between a gateway and all that it calls: DynamoDB and the provider, both at one address.

It passes every call on and every reply back as they come, takes down which calls there were, and lets go wrong what a
judge decides.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, assert_never
from urllib.parse import urlsplit

import h11

from faults import (
    PROVIDER,
    Broken,
    Call,
    Judge,
    Late,
    Preceded,
    Refused,
    Result,
    Unanswered,
    name_of,
    nothing_goes_wrong,
)
from mock_http import Connection, Exchange, Received

READ_BYTES = 64 * 1024
BACKLOG = 512
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding"})


class FaultProxy:
    """The proxy; it serves while the context lasts.

    Args:
        aws: the engine's address.
        provider: the provider's, without a path.
        judge: decides what goes wrong; it can be replaced at any time.
    """

    def __init__(self, aws: str, provider: str, judge: Judge = nothing_goes_wrong) -> None:
        self.judge = judge
        self.calls: list[Call] = []
        """All that came in so far."""
        self.results: list[Result] = []
        """Of those that DynamoDB has carried out, in the order in which it was done."""
        self.url = ""
        self._aws = aws
        self._provider = provider
        self._connections: set[Connection] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._converse), "127.0.0.1", 0, backlog=BACKLOG
        )
        self.url = "http://{}:{}".format(*self._server.sockets[0].getsockname()[:2])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        tasks = [connection.task for connection in self._connections]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def names(self) -> list[str]:
        """What the calls so far are called."""
        return [call.name for call in self.calls]

    async def _converse(self, connection: Connection) -> None:
        self._connections.add(connection)
        origins: dict[str, _Origin] = {}
        try:
            while received := await connection.read_request():
                exchange = Exchange(received, connection.transport, asyncio.Semaphore(0))
                call = Call(len(self.calls) + 1, name_of(received), received)
                self.calls.append(call)
                address = self._provider if call.name == PROVIDER else self._aws
                origin = origins.setdefault(address, _Origin(address))
                try:
                    await self._judged(call, exchange, origin, connection.gone)
                except (OSError, h11.RemoteProtocolError):
                    exchange.hang_up()  # what breaks behind the proxy breaks before it
                if not exchange.reusable:
                    break
        finally:
            for origin in origins.values():
                origin.close()
            self._connections.discard(connection)
            connection.transport.close()

    async def _judged(self, call: Call, exchange: Exchange, origin: "_Origin", gone: asyncio.Event) -> None:
        fault = self.judge(call)
        match fault:
            case None:
                await self._pass_on(call, exchange, origin)
            case Preceded(by):
                await by()
                await self._pass_on(call, exchange, origin)
            case Refused(status, body, carried_out):
                if carried_out:
                    await self._pass_on(call, exchange, origin, 0)
                exchange.whole(status, {"content-type": "application/x-amz-json-1.0"}, body)
            case Broken(carried_out, pieces, then):
                if carried_out:
                    await self._pass_on(call, exchange, origin, pieces)
                then()
                exchange.reset()
            case Unanswered(carried_out):
                if carried_out:
                    await self._pass_on(call, exchange, origin, 0)
                await gone.wait()
                exchange.reset()
            case Late(due, done):
                await gone.wait()
                await due.wait()
                await self._pass_on(call, exchange, origin, 0)
                done.set()
                exchange.reset()
            case _:
                assert_never(fault)

    async def _pass_on(
        self, call: Call, exchange: Exchange, origin: "_Origin", pieces: int | None = None
    ) -> None:
        """Carry a call out, and give the reply back: all of it, or only so many pieces of it."""
        body = bytearray()
        async with origin.reply(call.received) as reply:
            headers = {name: value for name, value in reply.headers.items() if name not in HOP_BY_HOP}
            chunked = "content-length" not in headers
            if pieces != 0:
                exchange.head(reply.status, headers | ({"transfer-encoding": "chunked"} if chunked else {}))
            passed = 0
            async for piece in reply.pieces:
                body += piece
                if pieces is None or passed < pieces:
                    exchange.chunk(piece) if chunked else exchange.write(piece)
                passed += 1
            if chunked and pieces is None:
                exchange.end_chunked()
            if call.name != PROVIDER:
                self.results.append(Result(call, reply.status, bytes(body)))


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: dict[str, str]
    pieces: AsyncIterator[bytes]


class _Origin:
    """One connection to a server, opened when it is needed and as often as the server closes it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._http = h11.Connection(h11.CLIENT)

    @asynccontextmanager
    async def reply(self, received: Received) -> AsyncIterator[_Reply]:
        """Have a request carried out. A reply that is not read to its end costs the connection."""
        reader, writer = await self._connected()
        request = h11.Request(
            method=received.method,
            target=received.path,
            headers=[(name, value) for name, value in received.headers.items() if name not in HOP_BY_HOP],
        )
        for event in (request, h11.Data(data=received.body), h11.EndOfMessage()):
            writer.write(self._http.send(event) or b"")
        response = await self._event(reader)
        if not isinstance(response, h11.Response):
            raise ConnectionResetError
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in response.headers}
        try:
            yield _Reply(response.status_code, headers, self._pieces(reader))
        finally:
            if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                self._http.start_next_cycle()
            else:
                self.close()

    async def _pieces(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        """The body, a streamed one chunk by chunk."""
        while not isinstance(event := await self._event(reader), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise ConnectionResetError
            yield bytes(event.data)

    async def _event(self, reader: asyncio.StreamReader) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await reader.read(READ_BYTES))
        return event

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
            self._http = h11.Connection(h11.CLIENT)
        return self._streams

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

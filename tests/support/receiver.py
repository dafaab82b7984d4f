"""Takes webhooks over a real socket, by TLS, and answers each as it is told to.

It serves on a thread of its own, so that a client on any loop, or in another process, can call it.
"""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from mock_http import Connection, Exchange, Received

GUARD_SECONDS = 20.0

type Behaviour = Callable[[Exchange, Connection], Awaitable[None]]


def answering(status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Behaviour:
    """A whole answer."""

    async def answer(exchange: Exchange, _: Connection) -> None:
        exchange.whole(status, headers or {}, body)

    return answer


def writing(data: bytes) -> Behaviour:
    """Bytes as they are, and the end of the connection."""

    async def answer(exchange: Exchange, _: Connection) -> None:
        exchange.write(data)
        exchange.hang_up()

    return answer


async def silent(_: Exchange, connection: Connection) -> None:
    """No answer, until the client has gone."""
    await connection.gone.wait()


async def endless(exchange: Exchange, connection: Connection) -> None:
    """A good status, and then a body that has no end."""
    exchange.start_chunked(200, {})
    while not connection.gone.is_set():
        exchange.chunk(b"x" * 65_536)
        await asyncio.sleep(0)


async def dawdling(exchange: Exchange, connection: Connection) -> None:
    """A good status, and then a body that never comes."""
    exchange.head(200, {"content-length": "10"})
    await connection.gone.wait()


async def hanging_up(exchange: Exchange, _: Connection) -> None:
    """The request was taken, but its answer is lost."""
    exchange.reset()


class Receiver:
    """The server, a context manager that serves while it is open.

    Args:
        behaviours: the answers to the first requests; the last of them is that to all others.
        tls: what it has for TLS; None speaks plain HTTP.
    """

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None) -> None:
        self._behaviours = list(behaviours)
        self._tls = tls
        self._arrival = threading.Condition()
        self._received: list[Received] = []
        self._open: set[Connection] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="receiver")
        self._loop: asyncio.AbstractEventLoop
        self._closing: asyncio.Event
        self.port = 0
        self.closed = threading.Event()
        """A client has closed a connection."""

    @property
    def received(self) -> list[Received]:
        """What has come so far, oldest first."""
        with self._arrival:
            return list(self._received)

    def wait_for(self, number: int) -> Received:
        """The request of this number, as soon as it is there."""
        with self._arrival:
            assert self._arrival.wait_for(lambda: len(self._received) >= number, GUARD_SECONDS)
            return self._received[number - 1]

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(GUARD_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(GUARD_SECONDS)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda *_: None)  # a client that does not trust us is no news
        self._closing = asyncio.Event()
        server = await self._loop.create_server(
            lambda: Connection(self._converse), "127.0.0.1", 0, ssl=self._tls
        )
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._closing.wait()
        server.close()
        left = list(self._open)
        for connection in left:
            connection.task.cancel()
            connection.transport.abort()
        await asyncio.gather(*(connection.task for connection in left), return_exceptions=True)
        await server.wait_closed()

    async def _converse(self, connection: Connection) -> None:
        self._open.add(connection)
        try:
            received = await connection.read_request()
            if received is None:
                return
            with self._arrival:
                self._received.append(received)
                self._arrival.notify_all()
            behaviour = self._behaviours[0] if len(self._behaviours) == 1 else self._behaviours.pop(0)
            await behaviour(Exchange(received, connection.transport, asyncio.Semaphore(0)), connection)
            await connection.gone.wait()
        finally:
            self._open.discard(connection)
            connection.transport.close()
            self.closed.set()

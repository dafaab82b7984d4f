"""Serves an ASGI application over HTTP on the loopback, and ends when told to."""

import asyncio
import contextlib
import errno
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from sluice.local.errors import LocalError
from sluice.local.open_requests import OpenRequests

HOST = "127.0.0.1"
GRACE_SECONDS = 10
"""How long requests in flight may take to end once the server is told to."""

FAREWELL_SECONDS = 0.5
"""How long a client that is cut off may take to read why; then its connection is closed."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class PortTakenError(LocalError):
    """Something else listens on the port."""


@contextlib.contextmanager
def reserved_port(port: int) -> Iterator[socket.socket]:
    """Take a port of the loopback, or a free one for 0, without listening on it yet.

    Raises:
        PortTakenError: it is not to be had.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            raise PortTakenError(
                f"port {port} cannot be had ({error.strerror}): PORT=… chooses another, PORT=0 a free one"
            ) from error
        yield listener


def address_of(listener: socket.socket) -> str:
    """Host and port, as ``host:port``."""
    return f"{HOST}:{listener.getsockname()[1]}"


def url_of(listener: socket.socket) -> str:
    """The address a client uses."""
    return f"http://{address_of(listener)}"


KEEP_ALIVE_SECONDS = 75
"""Longer than clients keep a connection (httpx: 5 s), so that none uses one that is being closed."""


class _Server(uvicorn.Server):
    """uvicorn's server, except for its end, which its caller outlives.

    uvicorn raises the signal again once it has ended, which would end the process before it has cleaned up. And it
    cancels what is still open without a word to its client, or, told twice, leaves it.
    """

    def __init__(self, config: uvicorn.Config, requests: OpenRequests, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._requests = requests
        self._on_ready = on_ready
        self._at_once = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ending = asyncio.create_task(self._end_requests())
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals, and keep them: the loop's own handlers would go with the loop, before the clean-up."""
        loop = asyncio.get_running_loop()

        def told(_: int, __: FrameType | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the end is under way
                loop.call_soon_threadsafe(self._told_to_end)

        for stop in STOP_SIGNALS:
            signal.signal(stop, told)
        yield

    def _told_to_end(self) -> None:
        if self.should_exit:
            self._at_once.set()
            return
        self.should_exit = True
        if count := len(self._requests):
            what, them = ("1 request", "it") if count == 1 else (f"{count} requests", "them")
            sys.stdout.write(
                f"Waiting up to {GRACE_SECONDS} s for {what} to end; Ctrl-C again ends {them} now.\n"
            )
            sys.stdout.flush()

    async def _end_requests(self) -> None:
        """Give requests their time, unless told again to end, then end them. The server's end ends this."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await self._at_once.wait()
        self._requests.cut()
        await asyncio.sleep(FAREWELL_SECONDS)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(FAREWELL_SECONDS)
        self.force_exit = True


async def serve(app: ASGIApp, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, then let what is in flight end, for a while or until the next signal.

    Args:
        app: gets HTTP scopes only.
        listener: bound, not yet listening.
        on_ready: called once requests are taken.
    """
    requests = OpenRequests(app)
    config = uvicorn.Config(
        requests,
        access_log=False,  # the applications log their requests themselves
        lifespan="off",
        proxy_headers=False,  # no proxy stands before it: who sends X-Forwarded-For would choose a client's address
        log_level="warning",
        server_header=False,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    await _Server(config, requests, on_ready).serve([listener])

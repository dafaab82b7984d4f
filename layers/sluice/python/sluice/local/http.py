"""Serves an ASGI application over HTTP on the loopback, and ends when told to."""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from sluice.local.errors import LocalError

HOST = "127.0.0.1"
GRACE_SECONDS = 10
"""How long requests in flight may take to end once the server is told to."""

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


def url_of(listener: socket.socket) -> str:
    """The address a client uses."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


class _Server(uvicorn.Server):
    """uvicorn's server, except that its caller outlives the signal that ends it.

    uvicorn raises the signal again once it has ended, which would end the process before it has cleaned up.
    """

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for stop in STOP_SIGNALS:
            loop.add_signal_handler(stop, self.handle_exit, stop, None)
        yield


async def serve(app: ASGIApp, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, then let what is in flight end, for a while.

    Args:
        app: gets HTTP scopes only.
        listener: bound, not yet listening.
        on_ready: called once requests are taken.
    """
    config = uvicorn.Config(
        app,
        access_log=False,  # the applications log their requests themselves
        lifespan="off",
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws="none",
    )
    await _Server(config, on_ready).serve([listener])

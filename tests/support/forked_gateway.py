"""A function served over HTTP by a process of its own, which can be killed at any moment.

The processes are forked from one that has everything imported, so that a test can afford many of them. Each ends when
the test's own process does.
"""

import asyncio
import functools
import multiprocessing
import multiprocessing.forkserver
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from unittest import mock

import uvicorn

from sluice.stores import aws

if TYPE_CHECKING:  # it imports all that the process they are forked from has to have
    from function_apps import FunctionName

BACKLOG = 512
STOP_SECONDS = 10
KILLED = -9

_CONTEXT = multiprocessing.get_context("forkserver")


class ForkedGateway:
    """A running gateway; it is killed, if it still lives, when the context is left.

    Args:
        environment: all that its process finds there.
        log: takes what it writes to its standard streams.
        attempt_seconds: how long it waits for a reply of AWS's, in place of its own constant.
        function: which one is served.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        attempt_seconds: float,
        function: "FunctionName" = "chat",
    ) -> None:
        self._log = log
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.url = "http://{}:{}".format(*self._listener.getsockname()[:2])
        self._process = _CONTEXT.Process(
            target=_serve,
            args=(self._listener, dict(environment), str(log), attempt_seconds, function),
            daemon=True,
        )

    def __enter__(self) -> Self:
        _ensure_forks_are_quick()
        with self._listener:  # the process has its own copy; ours would keep the port open when that is dead
            self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._join()

    async def killed(self) -> None:
        """Wait until SIGKILL has ended it."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._join()

    @property
    def log(self) -> str:
        """All that it has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()

    def _join(self) -> None:
        self._process.join(STOP_SECONDS)
        assert self._process.exitcode == KILLED, self.log


@functools.cache
def _ensure_forks_are_quick() -> None:
    """Start the process that all others are forked from, with the applications in it."""
    multiprocessing.forkserver.set_forkserver_preload(["function_apps", __name__])
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        multiprocessing.forkserver.ensure_running()


def _serve(
    listener: socket.socket,
    environment: dict[str, str],
    log: str,
    attempt_seconds: float,
    function: "FunctionName",
) -> None:
    output = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output, stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    aws.ATTEMPT_SECONDS = aws.CONNECT_SECONDS = attempt_seconds
    asyncio.run(_serve_while_parent_lives(listener, function))


async def _serve_while_parent_lives(listener: socket.socket, function: "FunctionName") -> None:
    from function_apps import APPS

    parent = multiprocessing.parent_process()
    assert parent is not None
    asyncio.get_running_loop().add_reader(parent.sentinel, os._exit, 1)
    config = uvicorn.Config(APPS[function], lifespan="on", log_level="warning", access_log=False)
    await uvicorn.Server(config).serve(sockets=[listener])

"""Starts and ends the process that stands in for AWS."""

import os
import subprocess
import sys
from types import TracebackType
from typing import Self

from sluice.local.errors import LocalError
from sluice.stores.access import Endpoint

MODULE = "sluice.local.aws"
REGION = "us-east-1"
LOOPBACK = "127.0.0.1"
STOP_SECONDS = 5


class LocalAWSError(LocalError):
    """The process that stands in for AWS could not be started."""


class LocalAWS:
    """A stand-in for AWS that lives as long as this context, and no longer than this process.

    It is started at once, and waited for when its endpoint is first asked for: it takes a second or two,
    which the caller can use.

    Args:
        bridge: where it calls the functions that are tasks of state machines, as ``host:port``; None runs none.
        host: the address that it listens on; of the loopback unless others, such as containers, are to reach it.
    """

    def __init__(self, bridge: str | None = None, host: str = LOOPBACK) -> None:
        self._host = host
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        # A session of its own: Ctrl-C in a terminal is then for the parent alone, which ends it last.
        self._process = subprocess.Popen(  # noqa: S603 (this very interpreter and a module of ours)
            [sys.executable, "-m", MODULE, host, *([] if bridge is None else [bridge])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            start_new_session=True,
        )
        self._port: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens.

        Raises:
            LocalAWSError: it ended before it listened; its own output says why.
        """
        if self._port is None:
            line = self._process.stdout.readline().strip() if self._process.stdout else ""
            if not line:
                raise LocalAWSError("moto's server, which stands in for AWS, did not start")
            self._port = int(line)
        return Endpoint(f"http://{self._host}:{self._port}", REGION)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

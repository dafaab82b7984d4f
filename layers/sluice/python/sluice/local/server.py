"""The development server: what the template describes, on this machine, against a stand-in for AWS."""

import asyncio
import contextlib
import signal
import time
from pathlib import Path
from types import FrameType

from sluice.local.aws_process import LOOPBACK, LocalAWS
from sluice.local.http import STOP_SIGNALS, address_of, reserved_port
from sluice.local.state import held

TEMPLATE = Path(__file__).resolve().parents[5] / "template.yaml"
"""The template of the checkout that this package is installed from."""


def run(port: int, directory: Path, template: Path = TEMPLATE, aws_host: str = LOOPBACK) -> None:
    """Serve until SIGINT or SIGTERM, and leave nothing behind.

    Args:
        port: to listen on, 0 for a free one.
        directory: takes the state of the running server.
        template: whose routes, functions and tables are served.
        aws_host: the address that the stand-in for AWS listens on.

    Raises:
        LocalError, ConfigurationError: why it cannot start, for a person to read.
    """
    started = time.monotonic()
    interruption = _Interruption()
    with (
        contextlib.suppress(KeyboardInterrupt),
        held(directory),
        reserved_port(port) as listener,
        reserved_port(0) as bridge_listener,
        LocalAWS(address_of(bridge_listener), aws_host) as local_aws,
    ):
        from sluice.local.gateway import serve_gateway  # takes as long to import as the line above to start

        interruption.check()
        try:
            asyncio.run(serve_gateway(template, local_aws, listener, bridge_listener, directory, started))
        finally:
            for stop in STOP_SIGNALS:  # the end is under way: a further signal must not cut it short
                signal.signal(stop, signal.SIG_IGN)


class _Interruption:
    """Sends SIGTERM through the exits that Ctrl-C takes."""

    def __init__(self) -> None:
        self._told = False
        signal.signal(signal.SIGTERM, self._interrupt)

    def check(self) -> None:
        """Raise what may have been lost: an import runs callbacks in which Python ignores every exception."""
        if self._told:
            raise KeyboardInterrupt

    def _interrupt(self, _: int, __: FrameType | None) -> None:
        self._told = True
        self.check()

"""sam local start-api and start-lambda, as processes."""

import contextlib
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from local_stack import ROOT
from sam_command import SAM, Sam

READY = "Running on http"
"""What Flask's server, which SAM serves with, says once it listens."""

START_SECONDS = 120
STOP_SECONDS = 60


def free_port() -> int:
    """A port of the loopback that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class SamServer:
    """A process of ``sam local`` that listens.

    Attributes:
        address: where, as ``host:port``.
    """

    def __init__(self, sam: Sam, command: str, port: int, options: list[str], log: Path) -> None:
        self.address = f"127.0.0.1:{port}"
        self._log = log
        self._ready = threading.Event()
        self._process = subprocess.Popen(
            [SAM, "local", command, "--port", str(port), *options],
            cwd=ROOT,
            env=sam.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._log.open("w", encoding="utf-8") as log:
            for line in self._process.stdout:
                log.write(line)
                log.flush()
                if READY in line:
                    self._ready.set()
        self._ready.set()  # it has ended: whoever waits is to see that

    @property
    def log(self) -> str:
        """What it has said, and what the functions have logged."""
        return self._log.read_text(encoding="utf-8")

    def wait_until_ready(self) -> None:
        """Wait until it listens."""
        assert self._ready.wait(START_SECONDS), self.log
        assert self._process.poll() is None, self.log

    def stop(self) -> None:
        """End it as Ctrl-C does: it takes its containers with it."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            if self._process.stdout is not None:
                self._process.stdout.close()


@contextlib.contextmanager
def serving(sam: Sam, command: str, options: list[str], log: Path) -> Iterator[SamServer]:
    """A server while the context lasts; it may not listen yet."""
    server = SamServer(sam, command, free_port(), options, log)
    try:
        yield server
    finally:
        server.stop()

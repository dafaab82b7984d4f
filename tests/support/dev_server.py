"""``sluice dev`` as a process of its own, driven as a person at a terminal would."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import forked_command
from sluice.local.state import ServerState, read_state

SLUICE = Path(sys.executable).with_name("sluice")
SECRET = re.compile(r"sk-[A-Za-z0-9]{48}")
STOP_SECONDS = 30
GREETING_ENDS = ("print()", "Nothing can answer yet", "GET http")


def environment(**extra: str) -> dict[str, str]:
    """What a newcomer's shell has, and ``extra``."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1"} | extra


class DevServer:
    """A server with its state in ``directory``/.sluice; ready when the context is entered."""

    def __init__(self, directory: Path, extra: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.state_directory = directory / ".sluice"
        self.log = directory / "stderr.txt"
        self.greeting = ""
        self._output: list[str] = []
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [SLUICE, "dev"],
                cwd=directory,
                env=environment(PORT="0", **(extra or {})),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self.state: ServerState

    def __enter__(self) -> Self:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.greeting += line
            if line.startswith(GREETING_ENDS):
                break
        else:
            self.process.wait()
            raise AssertionError(f"sluice dev ended: {self.log.read_text()}")
        self.state = read_state(self.state_directory)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    @property
    def key(self) -> str:
        """The demo key."""
        found = SECRET.search(self.greeting)
        assert found is not None
        return found[0]

    def line(self) -> str:
        """The next line that it prints, after the greeting."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def stop(self, by: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; the exit code, and what was printed after the greeting."""
        self.process.send_signal(by)
        output, _ = self.process.communicate(timeout=STOP_SECONDS)
        return self.process.returncode, output

    def keys(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``sluice keys … --local``."""
        return sluice("keys", *arguments, "--local", directory=self.directory)


def sluice(*arguments: str, directory: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return forked_command.sluice(*arguments, environment=environment(**extra), directory=directory)


def stops_listening(url: str, seconds: float = 10) -> bool:
    """Whether nobody listens at an address any more, soon."""
    address = (urlsplit(url).hostname, urlsplit(url).port)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(address) != 0:
                return True
        time.sleep(0.02)
    return False

"""Tests in JavaScript, of the official npm package, as a process that runs beside the tests in Python."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Self

FOLDER = Path(__file__).parent.parent / "contract" / "node"
GUARD_SECONDS = 180


class NodeTests:
    """One file of tests, from the moment the context is entered.

    Args:
        file: its name.
        variables: what it finds in its environment; a mapping as JSON.
    """

    def __init__(self, file: str, **variables: str | dict[str, str]) -> None:
        node = shutil.which("node")
        assert node, "Node.js is not installed"
        assert (FOLDER / "node_modules" / "openai").is_dir(), "npm ci was not run in tests/contract/node"
        self._command = [node, "--test", file]
        self._environment = {"PATH": os.environ["PATH"]} | {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in variables.items()
        }
        self._output: IO[bytes]
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self._output = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            cwd=FOLDER,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._output.close()

    def check(self) -> None:
        """Wait for its end.

        Raises:
            AssertionError: a test failed; with all that was printed.
        """
        status = self._process.wait(GUARD_SECONDS)
        self._output.seek(0)
        assert status == 0, self._output.read().decode()

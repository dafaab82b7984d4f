"""The command ``sluice``, run to its end without paying for its imports each time.

One process imports the command and forks for each run, so each run is a process of its own: with its own environment,
folder, streams and exit code, as the script has them.
"""

import atexit
import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn


def sluice(
    *arguments: str | Path, environment: Mapping[str, str], directory: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``sluice`` with these arguments.

    Args:
        arguments: what follows its name.
        environment: all that it finds there.
        directory: where it runs; None is where the tests do.
    """
    return _forks().run([str(each) for each in arguments], dict(environment), directory or Path.cwd())


class Forks:
    """The process that forks, and the way to it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lock = threading.Lock()

    def run(
        self, arguments: list[str], environment: dict[str, str], directory: Path
    ) -> subprocess.CompletedProcess[str]:
        """One run; several threads may ask, one after the other."""
        with tempfile.TemporaryDirectory() as streams:
            request = {
                "arguments": arguments,
                "environment": environment,
                "directory": str(directory),
                "streams": streams,
            }
            with self._lock:
                assert self._process.stdin is not None
                assert self._process.stdout is not None
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
                code = int(self._process.stdout.readline())
            output, error = (Path(streams, name).read_text() for name in ("1", "2"))
        return subprocess.CompletedProcess(["sluice", *arguments], code, output, error)

    def close(self) -> None:
        self._process.communicate()


@functools.cache
def _forks() -> Forks:
    forks = Forks()
    atexit.register(forks.close)
    return forks


def _serve() -> None:
    """Fork for each line of the standard input, and answer with the run's exit code."""
    from sluice.cli import main  # before the first fork: that is what all this is for

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(json.loads(line), main.main)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(request: dict[str, Any], main: Any) -> NoReturn:
    code: object = 1
    try:
        for descriptor, mode in (
            (0, os.O_RDONLY),
            (1, os.O_WRONLY | os.O_CREAT),
            (2, os.O_WRONLY | os.O_CREAT),
        ):
            path = os.devnull if descriptor == 0 else str(Path(request["streams"], str(descriptor)))
            os.dup2(os.open(path, mode, 0o600), descriptor)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["directory"])
        sys.argv = ["sluice", *request["arguments"]]
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # what an interpreter does at its end
        traceback.print_exc()
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _serve()

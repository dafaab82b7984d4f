"""The streaming runtime as a real process between a test's Runtime API and an application of the test's own."""

import asyncio
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gates import GUARD_SECONDS, Gates
from runtime_api import RuntimeAPI

REPOSITORY = Path(__file__).parents[2]
PYTHONPATH = (REPOSITORY / "layers/streaming", REPOSITORY / "tests/support")


class RuntimeProcess:
    """A running runtime.

    Args:
        process: to talk to; it writes its output to ``output``.
        output: the file.
    """

    def __init__(self, process: asyncio.subprocess.Process, output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """All that it has written to its standard streams."""
        return self._output.read_text()

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    async def exit_code(self) -> int:
        """Wait for the end."""
        async with asyncio.timeout(GUARD_SECONDS):
            return await self._process.wait()

    async def stop(self) -> str:
        """Send SIGTERM, see that the process ends well and return its log."""
        self.terminate()
        assert await self.exit_code() == 0, self.log
        return self.log


class Platform:
    """What stands in for Lambda: one Runtime API, one set of gates, and the order in which both saw things."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.history: list[str] = []
        self.api = RuntimeAPI(self.history)
        self.gates = Gates(self.history)
        self._folder = folder
        self._stack = stack

    async def start(self, source: str, **environment: str) -> RuntimeProcess:
        """Run an application; ``wait_at`` and ``tell`` and some shorthands are there for its source."""
        (self._folder / "app.py").write_text(PREAMBLE + textwrap.dedent(source))
        output = self._folder / "output.txt"
        with output.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "sluice_streaming",
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env={
                    "PYTHONPATH": ":".join(map(str, PYTHONPATH)),
                    "PYTHONWARNINGS": "error",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "_HANDLER": "app.app",
                    "AWS_LAMBDA_RUNTIME_API": self.api.address,
                    "GATES": self.gates.address,
                    **environment,
                },
            )
        self._stack.push_async_callback(_end, process)
        return RuntimeProcess(process, output)


@asynccontextmanager
async def running_platform(folder: Path) -> AsyncIterator[Platform]:
    """Serve a platform, and kill what it has started when it is left."""
    async with AsyncExitStack() as stack:
        platform = Platform(folder, stack)
        await stack.enter_async_context(platform.api)
        await stack.enter_async_context(platform.gates)
        yield platform


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


PREAMBLE = """
import asyncio, json, logging, os
from gates import tell, wait_at

def start(status=200, headers=()):
    return {"type": "http.response.start", "status": status, "headers": list(headers)}

def body(data=b"", more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}

def http_only(function):
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await function(scope, receive, send)
    return app

"""

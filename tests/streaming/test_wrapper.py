"""The exec wrapper, and behind it the runtime against AWS's own emulator of the Runtime API.

The emulator comes with SAM CLI. It gathers streamed replies before it passes them on, but it is AWS's code that
reads them: it ends the runtime over a reply that breaks the protocol.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gates import GUARD_SECONDS
from proxy_events import proxy_event
from runtime_process import REPOSITORY

WRAPPER = REPOSITORY / "layers/streaming/sluice-streaming"
EMULATOR = REPOSITORY / ".sam-venv/lib/python3.13/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"
COMMANDS = {
    "managed": [sys.executable, "/var/runtime/bootstrap.py"],
    "awslambdaric": [sys.executable, "-m", "awslambdaric", "app.app"],
}
SOURCE = """
import os, pathlib
pathlib.Path("pid").write_text(str(os.getpid()))

async def app(scope, receive, send):
    assert scope["type"] == "http"
    if scope["path"] == "/crash":
        raise ValueError("before the prelude")
    await send({"type": "http.response.start", "status": 207, "headers": [(b"x-a", b"1"), (b"x-a", b"2")]})
    await send({"type": "http.response.body", "body": b"one ", "more_body": True})
    if scope["path"] == "/break":
        raise ValueError("after the prelude, " + "at length " * 1000)
    await send({"type": "http.response.body", "body": (await receive())["body"]})
"""
PRELUDE = b'{"statusCode":207,"headers":{},"multiValueHeaders":{"x-a":["1","2"]}}' + bytes(8)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Emulator:
    """A running emulator, which starts the runtime when it is first invoked."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, folder: Path) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._folder = folder

    async def invoke(self, event: Any) -> bytes:
        async with httpx.AsyncClient(timeout=GUARD_SECONDS, trust_env=False) as client:
            return (await client.post(self._url, json=event)).content

    async def listening(self) -> None:
        """Wait until it takes connections; it does not say when."""
        port = httpx.URL(self._url).port
        async with asyncio.timeout(GUARD_SECONDS):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    return

    @property
    def runtime_pid(self) -> int:
        return int((self._folder / "pid").read_text())

    @property
    def log(self) -> str:
        return (self._folder / "output.txt").read_text()


@pytest.fixture(params=COMMANDS)
async def emulator(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Emulator]:
    if not EMULATOR.exists():
        pytest.skip("make .sam-venv/.installed brings the emulator")
    binary = tmp_path / "emulator"
    shutil.copyfile(EMULATOR, binary)
    binary.chmod(0o700)
    (tmp_path / "app.py").write_text(SOURCE)
    port = free_port()
    with (tmp_path / "output.txt").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            binary,
            "--runtime-api-address",
            f"127.0.0.1:{free_port()}",
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{port}",
            WRAPPER,
            *COMMANDS[request.param],
            cwd=tmp_path,
            stdout=output,
            stderr=output,
            env={
                "LAMBDA_TASK_ROOT": str(tmp_path),
                "_HANDLER": "app.app",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PATH": os.defpath,
            },
        )
    emulator = Emulator(process, port, tmp_path)
    try:
        await emulator.listening()
        yield emulator
    finally:
        # It kills the runtime, a process of its own group, before it ends.
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(GUARD_SECONDS):
            await process.wait()


async def test_replies_keep_to_the_protocol(emulator: Emulator) -> None:
    assert await emulator.invoke(proxy_event(body="two")) == PRELUDE + b"one two"
    crashed = json.loads(await emulator.invoke(proxy_event("/crash")))
    assert (crashed["errorType"], crashed["errorMessage"]) == ("ValueError", "before the prelude")
    # The emulator drops the trailers; longer ones than it can read would end it with a panic.
    assert await emulator.invoke(proxy_event("/break")) == PRELUDE + b"one "
    assert json.loads(await emulator.invoke({"source": "aws.events"})) == {}
    runtime = emulator.runtime_pid
    assert await emulator.invoke(proxy_event(body="again")) == PRELUDE + b"one again"
    assert emulator.runtime_pid == runtime
    assert "PANIC" not in emulator.log


async def test_no_process_is_left_behind(emulator: Emulator) -> None:
    await emulator.invoke(proxy_event(body=""))
    ended = asyncio.Event()
    runtime = os.pidfd_open(emulator.runtime_pid)
    asyncio.get_running_loop().add_reader(runtime, ended.set)
    try:
        assert not ended.is_set()
        emulator.process.terminate()
        async with asyncio.timeout(GUARD_SECONDS):
            await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(runtime)
        os.close(runtime)


@pytest.mark.parametrize(
    ("command", "passed_on"),
    [
        (["/var/runtime/bootstrap.py"], "-m sluice_streaming"),
        (["-m", "awslambdaric", "app.app"], "-m sluice_streaming app.app"),
        (["-m", "awslambdaric"], "-m sluice_streaming"),
        ([], "-m sluice_streaming"),
    ],
)
def test_the_command_that_lambda_passes(tmp_path: Path, command: list[str], passed_on: str) -> None:
    interpreter = tmp_path / "python with a space"
    interpreter.write_text('#!/bin/sh\necho "$@"\necho "$PYTHONPATH"\n')
    interpreter.chmod(0o700)
    for before, after in {"": "", "/var/runtime": ":/var/runtime"}.items():
        run = subprocess.run(
            [WRAPPER, interpreter, *command],
            env={"LAMBDA_TASK_ROOT": "/task", "PYTHONPATH": before},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.splitlines() == [passed_on, f"/task:{WRAPPER.parent}:/opt/python{after}"]

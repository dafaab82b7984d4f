"""Starts and ends the DynamoDB engines that tests run on: each a process that lives no longer than the test's own.

moto is started as the development server starts it. The two others come out of npm, by a script each in
``tests/engines``, which prints its port once it answers and ends when its standard input does.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, assert_never, get_args

import pytest

from sluice.local.aws_process import REGION, LocalAWS
from sluice.stores.access import Endpoint

EngineName = Literal["moto", "dynalite", "dynamodb-local"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)

FOLDER = Path(__file__).resolve().parents[1] / "engines"
STOP_SECONDS = 10

EVERY_ENGINE = "SLUICE_EVERY_ENGINE"
"""This variable, if not empty, says that an engine which cannot run is a failure and no reason to skip."""

NO_JAVA = "DynamoDB Local needs Java: apt-get install default-jre-headless, brew install openjdk or https://adoptium.net"


def require(name: EngineName) -> None:
    """Skip the test that asks for an engine which cannot run here, or fail it where every engine has to."""
    if name == "dynamodb-local" and not java_runs():
        if os.environ.get(EVERY_ENGINE):
            pytest.fail(NO_JAVA)
        pytest.skip(NO_JAVA)


@contextmanager
def running(name: EngineName) -> Iterator[Endpoint]:
    """Run an engine, without a table, while the context lasts."""
    match name:
        case "moto":
            with LocalAWS() as local_aws:
                yield local_aws.endpoint
        case "dynalite" | "dynamodb-local":
            with _running_script(name) as endpoint:
                yield endpoint
        case _:
            assert_never(name)


@contextmanager
def _running_script(name: EngineName) -> Iterator[Endpoint]:
    node = shutil.which("node")
    assert node, "Node.js is not installed"
    assert (FOLDER / "node_modules").is_dir(), "npm ci was not run in tests/engines"
    # A session of its own: Ctrl-C in a terminal is then for the parent alone, which ends it last.
    process = subprocess.Popen(
        [node, FOLDER / f"{name}.js"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin, process.stdout:
            port = process.stdout.readline().strip()
            assert port, f"{name} did not start; its own output says why"
            yield Endpoint(f"http://127.0.0.1:{port}", REGION)
    finally:
        _await_end(process)


def _await_end(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the script's and, if it has one, Java's
        process.wait()
        raise AssertionError(f"{process.args!r} did not end with its standard input") from None


def java_runs() -> bool:
    """Whether there is one: macOS has a ``java`` that only says where to get it."""
    java = shutil.which("java")
    return (
        java is not None
        and subprocess.run([java, "-version"], capture_output=True, check=False).returncode == 0
    )

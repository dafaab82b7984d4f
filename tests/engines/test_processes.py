"""The engines as processes: where they listen, that they end, and what is said where one cannot run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev_server import stops_listening
from engine_processes import ENGINES, EVERY_ENGINE, FOLDER, EngineName, require, running
from local_stack import botocore_client

SUPPORT = Path(__file__).parents[1] / "support"
START_AND_DIE = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from engine_processes import running
with running(sys.argv[2]) as endpoint:
    print(endpoint.url, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_answers_at_once_and_ends_with_its_context(name: EngineName) -> None:
    require(name)
    with running(name) as first, running(name) as second:
        assert first.url.startswith("http://127.0.0.1:")
        assert first.url != second.url
        for endpoint in (first, second):
            assert botocore_client(endpoint, "dynamodb").list_tables()["TableNames"] == []
    assert stops_listening(first.url)
    assert stops_listening(second.url)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_ends_when_the_process_that_started_it_is_killed(name: EngineName) -> None:
    require(name)
    done = subprocess.run(
        [sys.executable, "-c", START_AND_DIE, SUPPORT, name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    assert stops_listening(done.stdout.strip())


def test_an_engine_that_does_not_start_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "dynalite.js").write_text("process.exit(1)")
    monkeypatch.setattr("engine_processes.FOLDER", tmp_path)
    with pytest.raises(AssertionError, match="did not start"), running("dynalite"):
        pass


@pytest.mark.parametrize(
    ("every_engine", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)]
)
def test_without_java_its_engine_is_skipped_only_where_not_every_engine_must_run(
    every_engine: str, outcome: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(EVERY_ENGINE, every_engine)
    require("moto")
    require("dynalite")
    with pytest.raises(outcome, match="default-jre-headless"):
        require("dynamodb-local")
    (tmp_path / "java").write_text("#!/bin/sh\nexit 1")  # as on a new Mac
    (tmp_path / "java").chmod(0o755)
    with pytest.raises(outcome, match="default-jre-headless"):
        require("dynamodb-local")


def test_the_lock_file_names_no_registry() -> None:
    """Whoever installs it uses the registry of their own; ``metrics`` is a folder here."""
    resolved = re.findall(r'"resolved": "(.*)"', (FOLDER / "package-lock.json").read_text())
    assert resolved == ["metrics"]

"""The template as it is written and as CloudFormation gets it, what its functions do, and the command that builds it."""

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from function_journeys import record
from local_stack import TEMPLATE
from recorded_calls import Recording
from sam_command import Sam
from sluice.local.blueprint import read_template
from template_values import written


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """As it is written."""
    return read_template(TEMPLATE)


@pytest.fixture(scope="session")
def translated(template: dict[str, Any]) -> dict[str, Any]:
    """As CloudFormation gets it."""
    return written(template, {})


@pytest.fixture(scope="session")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Sam:
    return Sam(tmp_path_factory.mktemp("interpreter"))


@pytest.fixture(scope="session")
def built(sam: Sam, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the build lies."""
    folder = tmp_path_factory.mktemp("build")
    sam("build", *("--build-dir", folder / "out", "--cache-dir", folder / "cache"))
    return folder / "out"


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """What the functions call, read and use in all their journeys: taken down once, also for several processes."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    file = folder / "recording.json"
    with (folder / "recording.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            with pytest.MonkeyPatch.context() as monkeypatch:
                found = record(monkeypatch, tmp_path_factory.mktemp("journeys"))
            file.write_text(found.as_json(), encoding="utf-8")
    return Recording.from_json(file.read_text(encoding="utf-8"))

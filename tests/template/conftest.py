"""The template as it is written and as CloudFormation gets it, and the command that builds it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from local_stack import TEMPLATE
from sam_command import Sam
from sluice.local.aws_process import REGION
from sluice.local.blueprint import read_template, transformed


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """As it is written."""
    return read_template(TEMPLATE)


@pytest.fixture(scope="session")
def translated(template: dict[str, Any]) -> dict[str, Any]:
    """As CloudFormation gets it."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    found: dict[str, Any] = json.loads(json.dumps(transformed(template, TEMPLATE.parent)))
    return found


@pytest.fixture(scope="session")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Sam:
    return Sam(tmp_path_factory.mktemp("interpreter"))


@pytest.fixture(scope="session")
def built(sam: Sam, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the build lies."""
    folder = tmp_path_factory.mktemp("build")
    sam("build", *("--build-dir", folder / "out", "--cache-dir", folder / "cache"))
    return folder / "out"

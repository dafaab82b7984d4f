"""The template as it is written and as CloudFormation gets it, and the command that builds it."""

from typing import Any

import pytest

from local_stack import TEMPLATE
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

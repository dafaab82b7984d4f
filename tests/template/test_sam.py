"""sam validate and sam build accept the template, and what is built can run on Lambda."""

import tomllib
from pathlib import Path
from typing import Any

import yaml

from local_stack import ROOT
from sam_command import Sam
from sluice.asgi.docs import LIBRARY_FILES
from template_parts import functions

CARRIED_BESIDE = {"images.asl.yaml", "videos.asl.yaml", "webhooks.asl.yaml"}
"""The definitions of state machines lie beside the function that carries out their tasks."""


def test_the_template_is_valid(sam: Sam) -> None:
    assert "is a valid SAM Template" in sam("validate", "--lint")


def test_functions_are_their_handlers_alone(built: Path, template: dict[str, Any]) -> None:
    for name in functions(template).keys() - {"DocsFunction"}:
        assert {file.name for file in (built / name).iterdir()} - CARRIED_BESIDE == {"app.py"}, name
        assert sum(file.stat().st_size for file in (built / name).rglob("*")) < 64 * 1024


def test_the_documentation_is_packed_with_the_files_of_its_page_and_nothing_that_they_came_with(
    built: Path,
) -> None:
    carried = {
        str(file.relative_to(built / "DocsFunction"))
        for file in (built / "DocsFunction").rglob("*")
        if file.is_file() and "dist-info" not in str(file) and "__pycache__" not in str(file)
    }
    library = "drf_spectacular_sidecar/static/drf_spectacular_sidecar/swagger-ui-dist"
    assert {"app.py", "openapi.json", "page.html", "page.js"} <= carried
    assert {f"{library}/{name}" for name in LIBRARY_FILES} <= carried
    assert {name.partition("/")[0] for name in carried} == {
        *("app.py", "openapi.json", "page.html", "page.js"),
        "drf_spectacular_sidecar",
    }
    assert not [name for name in carried if name.endswith(".map") or "redoc" in name]


def test_the_built_template_stands_for_itself(built: Path) -> None:
    """CloudFormation does not read YAML's anchors."""
    text = (built / "template.yaml").read_text()
    assert not [event for event in yaml.parse(text) if isinstance(event, yaml.AliasEvent)]


def test_the_configuration_has_its_three_sets() -> None:
    config: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert {"default", "local", "prod"} <= config.keys()
    for name in ("default", "local", "prod"):
        build = config[name]["build"]["parameters"]
        assert (build["cached"], build["parallel"]) == (False, True)
    assert config["default"]["validate"]["parameters"]["lint"] is True

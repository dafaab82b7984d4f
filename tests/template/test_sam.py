"""sam validate and sam build accept the template, and what is built can run on Lambda."""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_stack import ROOT
from sam_command import Sam

# What the ELF header of a shared object says about the processor, and how wheels name it.
MACHINES = {"arm64": (0xB7, "aarch64"), "x86_64": (0x3E, "x86_64")}
UNZIPPED_LIMIT = 250 * 1024 * 1024
"""Lambda's limit for a function and its layers, unpacked."""


@pytest.fixture(scope="module", params=MACHINES)
def built(
    request: pytest.FixtureRequest, sam: Sam, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """The processor and where the build for it lies."""
    folder = tmp_path_factory.mktemp("build")
    sam(
        "build",
        *("--build-dir", folder / "out", "--cache-dir", folder / "cache"),
        *("--parameter-overrides", f"Architecture={request.param}"),
    )
    return request.param, folder / "out"


def test_the_template_is_valid(sam: Sam) -> None:
    assert "is a valid SAM Template" in sam("validate", "--lint")


def test_the_package_and_its_catalogue_are_in_the_layer(built: tuple[str, Path]) -> None:
    python = built[1] / "SluiceLayer" / "python"
    for name in (
        "sluice/__init__.py",
        "sluice/catalog.toml",
        "sluice/stores/keys.py",
        "pydantic/__init__.py",
    ):
        assert (python / name).is_file(), name
    assert not (python / "python").exists()


def test_the_streaming_runtime_and_its_wrapper_are_in_the_layer(built: tuple[str, Path]) -> None:
    python = built[1] / "StreamingLayer" / "python"
    assert (python / "sluice_streaming" / "__main__.py").is_file()
    assert os.access(python / "sluice-streaming", os.X_OK)


def test_nothing_of_the_emulator_is_on_lambda(built: tuple[str, Path]) -> None:
    for layer in ("SluiceLayer", "StreamingLayer"):
        carried = {path.name for path in (built[1] / layer / "python").iterdir()}
        assert not carried & {"moto", "samtranslator", "typer", "uvicorn", "pytest"}


def test_binaries_are_for_the_chosen_processor(built: tuple[str, Path]) -> None:
    architecture, folder = built
    machine, wheel_name = MACHINES[architecture]
    binaries = list(folder.rglob("*.so"))
    assert any(path.name.startswith("_pydantic_core") for path in binaries)
    for path in binaries:
        assert path.read_bytes()[18] == machine, path
        assert wheel_name in path.name, path


def test_functions_are_their_handlers_alone(built: tuple[str, Path]) -> None:
    for name in ("ChatFunction", "ModelsFunction"):
        assert (built[1] / name / "app.py").is_file()
        assert sum(file.stat().st_size for file in (built[1] / name).rglob("*")) < 64 * 1024


def test_it_all_fits(built: tuple[str, Path]) -> None:
    size = sum(file.stat().st_size for file in built[1].rglob("*") if file.is_file())
    assert size < UNZIPPED_LIMIT


def test_the_built_template_stands_for_itself(built: tuple[str, Path]) -> None:
    """CloudFormation reads neither YAML's anchors nor references in a layer's build settings."""
    text = (built[1] / "template.yaml").read_text()
    assert not [event for event in yaml.parse(text) if isinstance(event, yaml.AliasEvent)]
    assert f"BuildArchitecture: {built[0]}" in text


def test_the_configuration_has_its_three_sets() -> None:
    config: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert {"default", "local", "prod"} <= config.keys()
    for name in ("default", "local", "prod"):
        build = config[name]["build"]["parameters"]
        assert (build["cached"], build["parallel"]) == (True, True)
    assert config["default"]["validate"]["parameters"]["lint"] is True

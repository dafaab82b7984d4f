"""sam validate and sam build accept the template, and what is built can run on Lambda."""

import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_stack import ROOT
from made_settings import TABLE_VARIABLES
from sam_command import Sam
from sluice.asgi.docs import LIBRARY_FILES

# What the ELF header of a shared object says about the processor, by how wheels name it.
MACHINES = {"aarch64": 0xB7, "x86_64": 0x3E}
LAYERS = ("SluiceLayer", "StreamingLayer")
JOB_VARIABLES = {
    "SLUICE_JOBS_TABLE": "JobsTable",
    "SLUICE_JOBS_BUCKET": "jobs-bucket",
    **{f"SLUICE_{kind}_MACHINE": f"arn:aws:states:::{kind}" for kind in ("IMAGES", "VIDEOS", "WEBHOOKS")},
}
UNZIPPED_LIMIT = 250 * 1024 * 1024
"""Lambda's limit for a function and its layers, unpacked."""


@pytest.fixture(scope="module")
def built(sam: Sam, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the build lies."""
    folder = tmp_path_factory.mktemp("build")
    sam("build", *("--build-dir", folder / "out", "--cache-dir", folder / "cache"))
    return folder / "out"


def test_the_template_is_valid(sam: Sam) -> None:
    assert "is a valid SAM Template" in sam("validate", "--lint")


def test_the_package_and_its_catalogue_are_in_the_layer(built: Path) -> None:
    python = built / "SluiceLayer" / "python"
    for name in (
        "sluice/__init__.py",
        "sluice/catalog.toml",
        "sluice/stores/keys.py",
        "pydantic/__init__.py",
    ):
        assert (python / name).is_file(), name
    assert not (python / "python").exists()


def test_the_streaming_runtime_and_its_wrapper_are_in_the_layer(built: Path) -> None:
    python = built / "StreamingLayer" / "python"
    assert (python / "sluice_streaming" / "__main__.py").is_file()
    assert os.access(python / "sluice-streaming", os.X_OK)


def test_nothing_of_the_development_server_is_on_lambda(built: Path) -> None:
    for layer in LAYERS:
        carried = {path.name for path in (built / layer / "python").iterdir()}
        assert not carried & {"moto", "samtranslator", "typer", "uvicorn", "pytest", "bin", "Makefile"}
    assert not {"local", "openapi", "readme", "cli"} & {
        path.name for path in (built / "SluiceLayer" / "python" / "sluice").iterdir()
    }


def test_binaries_are_there_for_both_processors(built: Path) -> None:
    found: dict[str, set[str]] = {name: set() for name in MACHINES}
    for path in built.rglob("*.so"):
        (processor,) = [name for name in MACHINES if name in path.name]
        assert path.read_bytes()[18] == MACHINES[processor], path
        found[processor].add(path.name.partition(".")[0])
    assert found["aarch64"] == found["x86_64"] >= {"_pydantic_core", "runtime_client"}


def test_every_module_has_byte_code_that_counts_wherever_it_is_mounted(built: Path) -> None:
    unchecked = 0b01  # PEP 552: named by the source's hash, and not compared with it
    for layer in LAYERS:
        for path in (built / layer / "python").rglob("*.py"):
            compiled = Path(importlib.util.cache_from_source(str(path)))
            header = compiled.read_bytes()[:8]
            assert header[:4] == importlib.util.MAGIC_NUMBER
            assert int.from_bytes(header[4:], "little") == unchecked


@pytest.mark.parametrize(
    ("function", "started"),
    [
        ("ChatFunction", "app.app.parts"),
        ("DeliverWebhookFunction", "app.handler._open_parts()"),
        ("DocsFunction", "app.app.parts"),
        ("EndJobsFunction", "app.handler._open_parts()"),
        ("ImagesFunction", "app.app.parts"),
        ("JobsFunction", "app.handler._open_parts()"),
        ("ModelsFunction", "app.app.parts"),
        ("ReclaimHoldsFunction", "app.handler"),
        ("ReconcileBudgetsFunction", "app.handler"),
        ("RollUpUsageFunction", "app.handler"),
        ("VideosFunction", "app.app.parts"),
    ],
)
def test_a_function_starts_with_what_is_deployed_and_nothing_else(
    built: Path, function: str, started: str
) -> None:
    interpreter = sys._base_executable  # type: ignore[attr-defined] # outside the environment, and not documented
    done = subprocess.run(
        [interpreter, "-s", "-W", "ignore", "-c", f"import app; {started}; print(app.__file__)"],
        env={
            "PYTHONPATH": os.pathsep.join(str(built / layer / "python") for layer in LAYERS)
            + f":{built / function}",
            "PYTHONDONTWRITEBYTECODE": "1",
            **TABLE_VARIABLES,
            **JOB_VARIABLES,
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(built / function / "app.py")


def test_functions_are_their_handlers_alone(built: Path) -> None:
    for name in (
        "ChatFunction",
        "JobsFunction",
        "ModelsFunction",
        "ReclaimHoldsFunction",
        "RollUpUsageFunction",
    ):
        assert (built / name / "app.py").is_file()
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


def test_it_all_fits(built: Path) -> None:
    size = sum(file.stat().st_size for file in built.rglob("*") if file.is_file())
    assert size < UNZIPPED_LIMIT


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

"""What the built layers hold: all that the functions need, for both processors, and nothing else."""

import importlib.util
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imported_modules import imported
from local_stack import ROOT, blueprint
from made_settings import TABLE_VARIABLES
from package_needs import needed
from sluice.local.blueprint import Function
from template_parts import functions

MACHINES = {"aarch64": 0xB7, "x86_64": 0x3E}
"""What the ELF header of a shared object says about the processor, by how wheels name it."""

LAYERS = ("SluiceLayer", "StreamingLayer")
OWN = {"SluiceLayer": "sluice", "StreamingLayer": "sluice_streaming"}
"""The package of ours in each."""

MEGABYTE = 1024 * 1024
LAYER_BUDGET = 60 * MEGABYTE
"""Of a layer, unpacked. README.md says what they have."""

UNZIPPED_LIMIT = 250 * MEGABYTE
"""Lambda's limit for a function and its layers, unpacked."""

UNWANTED = {
    *("tests", "test", "testing", "conftest.py", "moto", "samtranslator", "typer", "uvicorn", "pytest"),
    *("bin", "Makefile", "requirements.txt", ".git", ".pytest_cache", ".mypy_cache", ".ruff_cache"),
    *("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "WHEEL"),
}
"""Names of files and folders that are for development alone, or tell an installer what it has done."""

NOT_DEPLOYED = {"local", "openapi", "readme", "cli"}
"""Packages of ours that stay at home."""

VARIABLES = {
    **TABLE_VARIABLES,
    "SLUICE_USAGE_TABLE": "UsageTable",
    "SLUICE_JOBS_TABLE": "JobsTable",
    "SLUICE_JOBS_BUCKET": "jobs-bucket",
    **{f"SLUICE_{kind}_MACHINE": f"arn:aws:states:::{kind}" for kind in ("IMAGES", "VIDEOS", "WEBHOOKS")},
}
"""Values for what the template sets."""

START = """
import app

application = getattr(app, "app", None)
if application is not None:
    application.parts
elif hasattr(app.handler, "_open_parts"):
    app.handler._open_parts()
else:
    assert callable(app.handler)
print(app.__file__)
"""
"""Imports a function and opens its parts; those of some are opened anew by each event."""


def contents(layer: Path) -> Path:
    """What is in a layer comes to lie in /opt; all of it is Python's."""
    (python,) = layer.iterdir()
    return python


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


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_is_carried_that_lambda_has_no_use_for(built: Path, layer: str) -> None:
    python = contents(built / layer)
    unwanted = [path for path in python.rglob("*") if path.name in UNWANTED or path.name.endswith(".map")]
    assert not unwanted
    assert not NOT_DEPLOYED & {path.name for path in (python / OWN[layer]).iterdir()}
    caches = [path for path in python.rglob("*.pyc") if path.parent.name != "__pycache__"]
    assert not caches


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_keeps_to_its_budget(
    built: Path, layer: str, record_property: Callable[[str, object], None]
) -> None:
    size = sum(file.stat().st_size for file in (built / layer).rglob("*") if file.is_file())
    record_property("bytes", size)
    print(f"{layer}: {size / MEGABYTE:.1f} MB of {LAYER_BUDGET / MEGABYTE:.0f} MB, unpacked")
    assert size < LAYER_BUDGET


def test_it_all_fits(built: Path) -> None:
    size = sum(file.stat().st_size for file in built.rglob("*") if file.is_file())
    assert size < UNZIPPED_LIMIT


def test_binaries_are_there_for_both_processors(built: Path) -> None:
    found: dict[str, set[str]] = {name: set() for name in MACHINES}
    for path in built.rglob("*.so*"):
        (processor,) = [name for name in MACHINES if name in path.name]
        head = path.read_bytes()[:20]
        assert (head[:4], head[18]) == (b"\x7fELF", MACHINES[processor]), path
        found[processor].add(path.name.partition(".")[0])
    assert found["aarch64"] == found["x86_64"] >= {"_pydantic_core", "runtime_client"}


def test_every_module_has_byte_code_that_counts_wherever_it_is_mounted(built: Path) -> None:
    unchecked = 0b01  # PEP 552: named by the source's hash, and not compared with it
    for layer in LAYERS:
        for path in contents(built / layer).rglob("*.py"):
            compiled = Path(importlib.util.cache_from_source(str(path)))
            header = compiled.read_bytes()[:8]
            assert header[:4] == importlib.util.MAGIC_NUMBER
            assert int.from_bytes(header[4:], "little") == unchecked


@pytest.mark.parametrize("function", blueprint().functions, ids=lambda function: function.name)
def test_a_function_starts_with_what_is_deployed_and_nothing_else(
    built: Path, template: dict[str, Any], function: Function
) -> None:
    layers = [layer["Ref"] for layer in functions(template)[function.name].get("Layers", [])]
    shared = [layer["Ref"] for layer in template["Globals"]["Function"]["Layers"]]
    packages = [str(contents(built / layer)) for layer in (*shared, *layers)]
    interpreter = sys._base_executable  # type: ignore[attr-defined] # outside the environment, and not documented
    done = subprocess.run(
        [interpreter, "-S", "-s", "-W", "ignore", "-c", START],
        env={
            "PYTHONPATH": os.pathsep.join([*packages, str(built / function.name)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            **{name: value for name, value in VARIABLES.items() if name in function.variables},
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(built / function.name / "app.py")


def test_every_module_that_is_imported_is_carried(built: Path) -> None:
    """Those too that are imported only when they are needed, which no start would miss."""
    deployed = contents(built / "SluiceLayer")
    handlers = [built / function.name / "app.py" for function in blueprint().functions]
    assert imported(deployed / "sluice", *handlers) - carried(deployed) == set()
    streaming = contents(built / "StreamingLayer")
    assert imported(streaming / "sluice_streaming") - carried(streaming) == set()


@pytest.mark.parametrize("layer", LAYERS)
def test_every_package_has_what_it_needs(built: Path, layer: str) -> None:
    python = contents(built / layer)
    present, wanted = needed(python)
    assert wanted - present == set()


def test_every_package_that_is_declared_is_carried(built: Path) -> None:
    """Some that nothing imports make others faster where they are there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {
        "SluiceLayer": project["dependencies"],
        "StreamingLayer": project["optional-dependencies"]["streaming"],
    }
    assert declared.keys() == set(LAYERS)
    for layer, names in declared.items():
        assert set(names) - needed(contents(built / layer))[0] == set(), layer


def carried(python: Path) -> set[str]:
    """The names under which something can be imported from a folder."""
    packages = {path.name for path in python.iterdir() if path.is_dir()}
    return packages | {path.name.partition(".")[0] for path in python.iterdir() if path.is_file()}

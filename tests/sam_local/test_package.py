"""What runs in the containers is what sam build has packed: not the sources, and not what the image brings."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from docker_engine import Docker
from local_stack import ROOT
from sam_command import ARCHITECTURE, Sam
from sam_site import local_options

PROBE = "ProbeFunction"
CODE = """\
import hashlib
import platform
import sys
from pathlib import Path

import pydantic_core
import sluice.pipeline.answer
import sluice_streaming


def handler(_event, _context):
    files = sorted(path for path in Path("/opt").rglob("*") if path.is_file())
    return {
        "machine": platform.machine(),
        "modules": {
            name: module.__file__
            for name, module in sys.modules.items()
            if name.partition(".")[0] in ("sluice", "sluice_streaming", "pydantic", "pydantic_core")
        },
        "files": {
            str(path.relative_to("/opt")): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        },
    }
"""
"""A function with the layers of one that streams, which says where its modules have come from."""


@pytest.fixture(scope="module")
def reported(
    sam: Sam, docker: Docker, built: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What it says."""
    folder = tmp_path_factory.mktemp("probe")
    (folder / PROBE).mkdir()
    (folder / PROBE / "app.py").write_text(CODE, encoding="utf-8")
    (folder / "event.json").write_text("{}", encoding="utf-8")
    (folder / "variables.json").write_text("{}", encoding="utf-8")
    template = yaml.safe_load((built / "template.yaml").read_text(encoding="utf-8"))
    resources = template["Resources"]
    layers = {name: each for name, each in resources.items() if each["Type"].endswith("LayerVersion")}
    for name, layer in layers.items():
        layer["Properties"]["ContentUri"] = str(built / name)
    template["Resources"] = {
        **layers,
        PROBE: {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": str(folder / PROBE),
                "Handler": "app.handler",
                "Layers": resources["ChatFunction"]["Properties"]["Layers"],
            },
        },
    }
    del template["Outputs"]
    (folder / "template.yaml").write_text(yaml.safe_dump(template), encoding="utf-8")
    options = local_options(folder, folder, None)
    printed = sam("local", "invoke", PROBE, "--event", folder / "event.json", *options)
    found: dict[str, Any] = json.loads(printed.strip().split("\n")[-1])
    return found


def test_modules_come_from_the_layers(reported: dict[str, Any]) -> None:
    elsewhere = {
        name: place for name, place in reported["modules"].items() if not place.startswith("/opt/python/")
    }
    assert not elsewhere
    assert {"sluice", "sluice.pipeline.answer", "sluice_streaming", "pydantic_core"} <= reported[
        "modules"
    ].keys()


def test_each_file_of_the_layers_is_the_one_that_was_built(built: Path, reported: dict[str, Any]) -> None:
    layers = (built / "SluiceLayer", built / "StreamingLayer")
    packed = {
        str(path.relative_to(layer)): hashlib.sha256(path.read_bytes()).hexdigest()
        for layer in layers
        for path in layer.rglob("*")
        if path.is_file()
    }
    assert reported["files"] == packed
    assert not str(built).startswith(str(ROOT))


def test_it_runs_on_this_machine_s_processor(reported: dict[str, Any]) -> None:
    assert {"x86_64": "x86_64", "aarch64": "arm64"}[reported["machine"]] == ARCHITECTURE
    (binary,) = [
        place for name, place in reported["modules"].items() if name == "pydantic_core._pydantic_core"
    ]
    assert reported["machine"] in binary

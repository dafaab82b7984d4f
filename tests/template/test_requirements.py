"""What the layers carry is what the tests ran with."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from local_stack import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
LAYERS = ("layers/sluice/python", "layers/streaming")


def pins(path: Path) -> dict[str, str]:
    return dict(PIN.findall(path.read_text()))


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layers_pins_are_the_locks(layer: str) -> None:
    lock = pins(ROOT / "requirements.lock")
    layer_pins = pins(ROOT / layer / "requirements.txt")
    assert layer_pins
    assert layer_pins.items() <= lock.items()


def test_the_layers_agree_with_each_other() -> None:
    one, other = (pins(ROOT / layer / "requirements.txt") for layer in LAYERS)
    assert {name: one[name] for name in one.keys() & other.keys()} == {
        name: other[name] for name in one.keys() & other.keys()
    }


def test_the_pages_library_is_the_one_that_the_tests_looked_at_and_comes_with_its_hash() -> None:
    path = ROOT / "functions" / "docs" / "requirements.txt"
    (pin,) = pins(path).items()
    assert pin == ("drf-spectacular-sidecar", version("drf-spectacular-sidecar"))
    assert "--hash=sha256:" in path.read_text()

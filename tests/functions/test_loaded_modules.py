"""What functions load when they start: each module is paid for in every cold start."""

import subprocess
import sys

import pytest

from local_stack import ROOT

LOADED = """
import sys
import app
print(*(name for name in sys.modules if name.startswith("sluice.")))
"""


@pytest.mark.parametrize("function", ["docs", "models"])
def test_who_asks_no_provider_loads_nothing_that_does(function: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=ROOT / "functions" / function,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.split()
    assert "sluice.asgi.application" in loaded
    for part in ("sluice.providers", "sluice.upstream", "sluice.pipeline.route", "sluice.pipeline.reply"):
        assert not [name for name in loaded if name == part or name.startswith(f"{part}.")]

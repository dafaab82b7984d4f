"""The sam command, as the Makefile installs it."""

import os
import subprocess
import sys
import venv
from pathlib import Path

from local_stack import ROOT
from sluice.local.aws_process import REGION

SAM = ROOT / ".sam-venv" / "bin" / "sam"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
"""SAM's builder looks for the interpreter of the function's runtime by this name."""


class Sam:
    """Runs sam in the project's folder, with an interpreter on its path that its builder can use.

    Args:
        spare: an empty folder for an interpreter, if there is none.
    """

    def __init__(self, spare: Path) -> None:
        self._environment = {
            "PATH": f"{_interpreters(spare)}{os.pathsep}{os.environ['PATH']}",
            "HOME": os.environ["HOME"],
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
        }

    def __call__(self, *arguments: str | Path) -> str:
        """What it prints; a failure is the test's."""
        done = subprocess.run(
            [SAM, *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _interpreters(spare: Path) -> Path:
    """A folder with an interpreter that has pip, which not every virtual environment has."""
    for folder in (Path(sys.executable).parent, Path(sys.base_prefix) / "bin"):
        if (folder / PYTHON).exists() and _has_pip(folder / PYTHON):
            return folder
    venv.create(spare, with_pip=True)
    return spare / "bin"


def _has_pip(python: Path) -> bool:
    return (
        subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    )

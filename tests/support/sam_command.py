"""The sam command, as the Makefile installs it."""

import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

from local_stack import ROOT
from sluice.local.aws_process import REGION

SAM = ROOT / ".sam-venv" / "bin" / "sam"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
"""SAM's builder looks for the interpreter of the function's runtime by this name."""


DOCKER_VARIABLES = (
    "DOCKER_HOST",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CONFIG",
    "XDG_RUNTIME_DIR",
)
"""How the engine is reached."""

ARCHITECTURE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
"""This machine's processor, as Lambda calls it."""


class Sam:
    """Runs sam in the project's folder, with an interpreter on its path that its builder can use.

    Args:
        spare: an empty folder for an interpreter, if there is none.
    """

    def __init__(self, spare: Path) -> None:
        # SAM locks in the folder of temporary files what it builds, and waits for the locks of runs that were killed.
        temporary = spare.with_name(f"{spare.name}-temporary")
        temporary.mkdir()
        self.environment = {
            "TMPDIR": str(temporary),
            "PATH": f"{_interpreters(spare)}{os.pathsep}{os.environ['PATH']}",
            "HOME": os.environ["HOME"],
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
            # Of nobody: what is called is a stand-in, if anything is.
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            **{name: os.environ[name] for name in DOCKER_VARIABLES if name in os.environ},
        }

    def __call__(self, *arguments: str | Path) -> str:
        """What it prints; a failure is the test's."""
        done = subprocess.run(
            [SAM, *arguments],
            cwd=ROOT,
            env=self.environment,
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

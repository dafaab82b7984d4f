"""A directory with what the two layers carry, and nothing of the development environment: what a cold start imports."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUIREMENTS = (ROOT / "layers/sluice/python/requirements.txt", ROOT / "layers/streaming/requirements.txt")
SOURCES = (ROOT / "layers/sluice/python", ROOT / "layers/streaming")
FUNCTIONS = ROOT / "functions"
CACHE = ROOT / ".cache"


def layer_site() -> Path:
    """Install the layers' requirements into a directory of their own, once for each state of the pins."""
    pins = b"".join(path.read_bytes() for path in REQUIREMENTS)
    site = CACHE / "layers" / hashlib.sha256(pins).hexdigest()[:16]
    if not site.exists():
        print(f"installing the layers' requirements into {site.relative_to(ROOT)} (once)", flush=True)
        unfinished = site.with_suffix(".unfinished")
        arguments = [argument for path in REQUIREMENTS for argument in ("-r", str(path))]
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--target",
                unfinished,
                *arguments,
            ],
            check=True,
            stderr=subprocess.PIPE,
        )
        unfinished.rename(site)
    return site


def run(
    script: str, *options: str, arguments: Sequence[str] = (), function: str = "chat", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run Python code with the layers' packages only, byte code cached as on a second start; ``app`` is a function's.

    The AWS variables name nothing real; no call is made.

    Raises:
        RuntimeError: the code failed; it tells what was printed.
    """
    path = os.pathsep.join(map(str, (FUNCTIONS / function, *SOURCES, layer_site(), ROOT)))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": path,
        "PYTHONPYCACHEPREFIX": str(CACHE / "pyc"),
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "SLUICE_KEYS_TABLE": "keys",
        "SLUICE_COUNTERS_TABLE": "counters",
        "SLUICE_LEDGER_TABLE": "ledger",
        "SLUICE_IDEMPOTENCY_TABLE": "idempotency",
        "SLUICE_MODELS_TABLE": "models",
        "SLUICE_JOBS_TABLE": "jobs",
        "SLUICE_JOBS_BUCKET": "bucket",
        "SLUICE_IMAGES_MACHINE": "arn:images",
        "SLUICE_VIDEOS_MACHINE": "arn:videos",
        "SLUICE_WEBHOOKS_MACHINE": "arn:webhooks",
        **variables,
    }
    # -s -S would also hide the site directories; a venv's own are hidden by asking the base interpreter.
    interpreter = getattr(sys, "_base_executable", sys.executable)
    process = subprocess.run(
        [interpreter, "-s", *options, "-c", script, *arguments],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if process.returncode:
        raise RuntimeError(process.stdout + process.stderr)
    return process

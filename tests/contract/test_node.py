"""The official npm package; what is checked stands in node/gateway.test.js."""

import os
import shutil
import subprocess
from pathlib import Path

from gateway_process import GatewayProcess
from mock_completions import TEXT

FOLDER = Path(__file__).parent / "node"
GUARD_SECONDS = 120


def test_the_lock_file_names_no_registry() -> None:
    """Whoever installs it uses the registry of their own."""
    assert '"resolved"' not in (FOLDER / "package-lock.json").read_text()


def test_the_official_client(gateway: GatewayProcess, key: str) -> None:
    node = shutil.which("node")
    assert node, "Node.js is not installed"
    assert (FOLDER / "node_modules" / "openai").is_dir(), "npm ci was not run in tests/contract/node"
    revoked, expired = gateway.create_key(), gateway.create_key("--expires-in", "1s")
    gateway.keys("revoke", revoked["id"])
    environment = {
        "PATH": os.environ["PATH"],
        "GATEWAY_URL": gateway.url,
        "GATEWAY_KEY": key,
        "GATEWAY_REVOKED_KEY": revoked["key"],
        "GATEWAY_EXPIRED_KEY": expired["key"],
        "GATEWAY_POOR_KEY": gateway.create_key("--budget", "0.000001")["key"],
        "GATEWAY_SLOW_KEY": gateway.create_key("--rpm", "1")["key"],
        "EXPECTED_TEXT": TEXT,
    }
    done = subprocess.run(
        [node, "--test", "gateway.test.js"],
        cwd=FOLDER,
        env=environment,
        capture_output=True,
        text=True,
        timeout=GUARD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

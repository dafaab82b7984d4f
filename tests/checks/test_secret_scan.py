"""Each kind of credential that is planted into a file is found, and said to stand where it stands."""

import os
import subprocess
from pathlib import Path

import pytest

from local_stack import ROOT
from sluice.keys import new_secret

# In halves, so that the scan finds none of them here.
PLANTED = {
    "Sluice key": new_secret("key"),
    "Sluice key of an agent": new_secret("agent"),
    "OpenAI key of a project": "sk-" + "proj-" + "a1B2c3D4e5" * 6,
    "OpenAI key of the first form": "sk-" + "a1B2c3D4e5" * 2 + "T3Blbk" + "FJ" + "a1B2c3D4e5" * 2,
    "Anthropic key": "sk-" + "ant-api03-" + "a1B2c3D4e5" * 9,
    "Google API key": "AIza" + "a1B2c3D4e5" * 3 + "a1B2c",
    "Webhook secret": "whsec_" + "a1B2c3D4e5" * 4,
    "AWS access key": "AKIA" + "Q3EGRIPUTNXJ7WZD",
    "AWS secret key": "aws_secret_access_key = " + "a1B2c3D4e5" * 4,
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "private key of OpenSSH": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "private key of no named kind": "-----BEGIN " + "PRIVATE KEY-----",
    "GitHub token": "ghp_" + "a1B2c3D4e5" * 3 + "a1B2c3",
}
MARK = "# pragma: " + "allowlist secret"


def scan(*files: Path) -> tuple[int, list[str]]:
    """The exit status and the lines that the scan prints."""
    done = subprocess.run(
        [ROOT / ".lint-venv" / "bin" / "python", "-m", "checks.secret_scan", *files],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ".ci"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


def test_each_kind_is_found_with_its_file_and_line(tmp_path: Path) -> None:
    files = []
    for name, secret in PLANTED.items():
        files.append(tmp_path / f"{name}.txt")
        files[-1].write_text(f"first\n\nhere: {secret}\nlast\n")
    status, lines = scan(*files)
    assert status == 1
    for file in files:
        assert [line for line in lines if line.startswith(f"{file}:3: ")], file.name
    assert not [line for line in lines if ":3: " not in line]


@pytest.mark.parametrize(
    "text", ["", "sk-", "a task-force\n", "sha256-" + "a1B2c3D4e5" * 5, "SLUICE_KEYS_TABLE=x"]
)
def test_what_is_no_credential_is_not_found(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file.txt"
    file.write_text(text)
    assert scan(file) == (0, [])


def test_bytes_that_are_no_text_hide_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file.bin"
    file.write_bytes(b"\xff\xfe\x00\n" + PLANTED["Sluice key"].encode() + b"\x00\xff")
    assert scan(file) == (1, [f"{file}:2: Sluice key"])


def test_a_mark_needs_a_reason_and_something_that_it_excuses(tmp_path: Path) -> None:
    secret = PLANTED["Sluice key"]
    file = tmp_path / "file.txt"
    file.write_text(f"{secret} {MARK} - made up\n{secret} {MARK}\nnothing {MARK} - made up\n")
    assert scan(file) == (
        1,
        [
            f"{file}:2: is marked as no secret without a reason",
            f"{file}:3: is marked as no secret, but nothing is found there",
        ],
    )

"""schemathesis makes requests out of the document and holds the replies against it, with all of its checks.

Its command runs in a process of its own, so that its hooks and settings are those in the folder ``schemathesis`` and
nobody else's. It makes the same requests each time.
"""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway_process import GatewayProcess
from openapi_document import contract

COMMAND = Path(sys.executable).with_name("schemathesis")
FOLDER = Path(__file__).parent / "schemathesis"
CASES = "12"
"""For each operation, of those that are made at random; the others are as many as the schemas have corners."""

SECONDS = 900
REQUESTS = ("ChatCompletionRequest", "ApiChatCompletionRequest")


def narrowed(members: Mapping[str, Any]) -> dict[str, Any]:
    """The document with members of requests that may be less than they may.

    A search is a valid request that is refused, because there is no search engine. What makes requests cannot know.
    """
    found = copy.deepcopy(contract())
    for name in REQUESTS:
        found["components"]["schemas"][name]["properties"] |= {"search_enabled": {"enum": [False, None]}, **members}
    return found


# Any name is a valid model, and nearly every one is unknown: so the second time it is one that answers.
@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="any model"),
        pytest.param({"model": {"type": "string", "enum": ["gpt-4o-mini"]}}, id="a model of a provider"),
        pytest.param({"model": {"type": "string", "enum": ["demo"]}}, id="the demo model"),
    ],
)
def test_the_gateway_does_what_the_document_says(
    gateway: GatewayProcess, key: str, tmp_path: Path, members: Mapping[str, Any]
) -> None:
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(narrowed(members)))
    done = subprocess.run(
        [
            *(COMMAND, "--config-file", FOLDER / "schemathesis.toml", "--no-color"),
            *("run", document, "--url", gateway.url, "--header", f"Authorization: Bearer {key}"),
            *("--checks", "all", "--max-examples", CASES, "--generation-deterministic"),
            "--continue-on-failure",
        ],
        cwd=tmp_path,
        env={
            **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ},
            "PYTHONPATH": str(FOLDER),
            "SCHEMATHESIS_HOOKS": "sluice_hooks",
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert "Test Phases:\n  ✅ Examples\n  ✅ Coverage\n  ✅ Fuzzing\n  ✅ Stateful" in done.stdout, done.stdout

"""The lines of reference 002 for pictures and videos, as they stand there but for the host; the key is a variable."""

import json
import shutil
import subprocess
import time
from typing import Any

import httpx
import pytest

from gateway_process import GatewayProcess
from openai_schemas import check_error
from sluice.wire.media_types import recognised

HOST = "https://api.ora.io"
SECONDS = 60

IMAGES = """\
curl -X POST "https://api.ora.io/v1/images/generations" \\
  -H "Authorization: Bearer $ORA_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "black-forest-labs/FLUX.1-dev",
    "prompt": "Cats eating popcorn",
    "steps": 10,
    "n": 4
  }'
"""

VIDEO = """\
curl -X POST "https://api.ora.io/v1/videos/generations" \\
  -H "Authorization: Bearer $ORA_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": ""KumoAnonymous/KumoVideo-Turbo",
    "prompt": "NYC Is A Great City",
    "seed": 0
  }'
"""
"""One quotation mark too many is in it: what it sends is no JSON."""

RESULT = """\
curl -X GET "https://api.ora.io/v1/videos/result/$generation_id" \\
    --header "Content-Type: application/json" \\
    --header "Authorization: Bearer $ORA_API_KEY"
"""


@pytest.fixture
def run(gateway: GatewayProcess, key: str) -> Any:
    """Runs a line in a shell, against the gateway."""
    if shutil.which("curl") is None:
        raise AssertionError("curl is not installed")

    def run(line: str, **variables: str) -> dict[str, Any]:
        done = subprocess.run(
            ["sh", "-c", line.replace(HOST, gateway.url)],
            env={"PATH": "/usr/bin:/bin", "NO_PROXY": "*", "ORA_API_KEY": key, **variables},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def test_pictures(run: Any) -> None:
    reply = run(IMAGES)
    assert (reply["model"], reply["object"]) == ("black-forest-labs/FLUX.1-dev", "list")
    assert [sorted(picture) for picture in reply["data"]] == [["index", "url"]] * 4
    assert [picture["index"] for picture in reply["data"]] == [0, 1, 2, 3]
    assert (len(reply["requestHash"]), len(reply["responseHash"])) == (64, 64)
    for picture in reply["data"]:
        found = recognised(httpx.get(picture["url"], trust_env=False).content)
        assert found is not None
        assert found.content_type == "image/png"


def test_a_video_and_its_result(run: Any) -> None:
    task = run(VIDEO.replace('""', '"'))
    assert list(task) == ["task_id", "hash_val", "status", "content", "requestHash", "responseHash"]
    assert (task["status"], task["content"]) == ("PROCESSING", "")
    deadline = time.monotonic() + SECONDS
    while (result := run(RESULT, generation_id=task["task_id"]))["status"] == "PROCESSING":
        assert list(result) == ["task_id", "hash_val", "status"]
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert list(result) == ["task_id", "hash_val", "status", "video"]
    assert result["status"] == "OK"
    assert (result["task_id"], result["hash_val"]) == (task["task_id"], task["hash_val"])
    found = recognised(httpx.get(result["video"], trust_env=False).content)
    assert found is not None
    assert found.kind == "video"


def test_the_line_as_it_stands_is_told_what_is_wrong_with_it(run: Any) -> None:
    reply = run(VIDEO)
    check_error(reply)
    assert reply["error"]["code"] == "invalid_json"
    assert "line 2 column 16" in reply["error"]["message"]

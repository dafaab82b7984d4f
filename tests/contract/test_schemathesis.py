"""schemathesis makes requests out of the document and holds the replies against it, with all of its checks.

Its command runs in a process of its own, so that its settings are those in ``schemathesis.toml`` and nobody else's. It
makes the same requests each time.
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
from mock_provider import MockProvider
from openapi_document import contract

COMMAND = Path(sys.executable).with_name("schemathesis")
SETTINGS = Path(__file__).with_name("schemathesis.toml")
CASES = "12"
"""For each operation, of those that are made at random; the others are as many as the schemas have corners."""

SECONDS = 900
PHASES = ("Coverage", "Fuzzing", "Stateful")
REACHED = 200
"""How many requests reach the provider at least, where the model is one of its models."""

UNTOLD: Mapping[str, Mapping[str, Any]] = {
    "CompletionRequest": {"best_of": {"type": "null"}},
    "VideosForm": {"input_reference": {"not": {}}},
}
"""What no schema can tell: that ``best_of`` is as large as ``n`` at least, and which bytes are a picture."""

NAMED: Mapping[str, Mapping[str, Any]] = {
    "ChatCompletionRequest": {"model": {"enum": ["gpt-4o-mini"]}},
    "ApiChatCompletionRequest": {"model": {"enum": ["gpt-4o-mini", None]}},
    "CompletionRequest": {"model": {"enum": ["gpt-4o-mini"]}},
    "EmbeddingsRequest": {"model": {"enum": ["demo-embedding"]}},
    "ImagesRequest": {"model": {"enum": ["demo-image"]}},
    "VideosRequest": {"model": {"enum": ["demo-video"]}},
    "VideosForm": {"model": {"enum": ["demo-video"]}},
}
"""Models that answer. Any name may be a model's, but hardly one is."""


@pytest.fixture
def key(gateway: GatewayProcess, request: pytest.FixtureRequest) -> str:
    """A key whose owner has nothing: schemathesis learns models and ids from what it is shown, other tests' jobs too."""
    return str(gateway.create_key("--plan", "enterprise", "--owner", request.node.name)["key"])


def test_the_gateway_takes_what_the_document_says_and_nothing_else(
    gateway: GatewayProcess, key: str, tmp_path: Path
) -> None:
    """With any model, so that hardly one exists: a valid request is a 404, and a 400 says what is wrong with it.

    What lies under /api is the same once more; there a chat's model may be missing, and is filled in by one that may
    refuse.
    """
    document = narrowed(UNTOLD)
    for methods in document["paths"].values():
        for operation in methods.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                del content["examples"]  # their models exist
    run(gateway, key, document, tmp_path, "--exclude-path-regex", "^/api/")


def test_the_gateway_answers_as_the_document_says(
    gateway: GatewayProcess, key: str, tmp_path: Path, provider: MockProvider
) -> None:
    """Here a provider may refuse a valid request, which no schema can tell."""
    before = len(provider.all_requests())
    run(gateway, key, narrowed(NAMED), tmp_path, "--exclude-checks", "positive_data_acceptance")
    assert len(provider.all_requests()) > before + REACHED


def narrowed(members: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The document with other schemas for some members of its requests."""
    found = copy.deepcopy(contract())
    for name, schemas in members.items():
        found["components"]["schemas"][name]["properties"] |= schemas
    return found


def run(gateway: GatewayProcess, key: str, document: dict[str, Any], folder: Path, *options: str) -> None:
    """schemathesis finds nothing."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(document))
    done = subprocess.run(
        [
            *(COMMAND, "--config-file", SETTINGS, "--no-color"),
            *("run", file, "--url", gateway.url, "--header", f"Authorization: Bearer {key}"),
            *("--checks", "all", "--max-examples", CASES, "--generation-deterministic"),
            *("--continue-on-failure", "--output-sanitize", "false", *options),
        ],
        cwd=folder,
        env={name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert all(f"{phase} (in" in done.stdout for phase in PHASES), done.stdout

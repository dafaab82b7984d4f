"""The official npm package; what is checked stands in the files of node/, the errors apart (``test_error_table``)."""

import base64
import json

import pytest

from gateway_process import GatewayProcess
from made_media import png
from mock_completions import REASONING, TEXT
from mock_embeddings import vector_of
from node_tests import FOLDER, NodeTests


def test_the_lock_file_names_no_registry() -> None:
    """Whoever installs it uses the registry of their own."""
    assert '"resolved"' not in (FOLDER / "package-lock.json").read_text()


@pytest.mark.parametrize("file", ["gateway.test.js", "features.test.js", "texts.test.js"])
def test_the_official_client(gateway: GatewayProcess, key: str, file: str) -> None:
    with NodeTests(
        file,
        GATEWAY_URL=gateway.url,
        GATEWAY_KEY=key,
        EXPECTED_TEXT=TEXT,
        EXPECTED_REASONING=REASONING,
        EXPECTED_VECTORS=json.dumps([vector_of("Hello", 8), vector_of("Bye", 8)]),
    ) as tests:
        tests.check()


def test_the_official_client_has_pictures_and_videos_made(gateway: GatewayProcess) -> None:
    """By a key of its own: what it lists is what it has made."""
    made = gateway.create_key("--plan", "enterprise", "--owner", "node")
    picture = base64.b64encode(png()).decode()
    with NodeTests(
        "jobs.test.js", GATEWAY_URL=gateway.url, GATEWAY_KEY=made["key"], PICTURE=picture
    ) as tests:
        tests.check()


def test_every_file_is_run() -> None:
    run = {"gateway.test.js", "features.test.js", "texts.test.js", "errors.test.js", "search.test.js"}
    run |= {"jobs.test.js", "webhooks.test.js"}
    assert {path.name for path in FOLDER.glob("*.test.js")} == run

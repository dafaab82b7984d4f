"""The official npm package; what is checked stands in node/gateway.test.js."""

from gateway_process import GatewayProcess
from mock_completions import TEXT
from node_tests import FOLDER, NodeTests


def test_the_lock_file_names_no_registry() -> None:
    """Whoever installs it uses the registry of their own."""
    assert '"resolved"' not in (FOLDER / "package-lock.json").read_text()


def test_the_official_client(gateway: GatewayProcess, key: str) -> None:
    with NodeTests("gateway.test.js", GATEWAY_URL=gateway.url, GATEWAY_KEY=key, EXPECTED_TEXT=TEXT) as tests:
        tests.check()

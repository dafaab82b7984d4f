"""The search for leaked secrets, with which each process that ran contract tests ends, finds what there is to find."""

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway_process import GatewayProcess
from leaks import PROMPTS, check_files, check_free_of, check_nothing_leaked, check_output, stored_by
from mock_provider import Case, MockProvider
from sdk_clients import Traffic


@pytest.fixture
def talked(client: openai.OpenAI, case: Case) -> None:
    """Something was said."""
    messages: Any = [{"role": "user", "content": PROMPTS[0]}]
    client.chat.completions.create(model="gpt-4o-mini", messages=messages, user=case.user)


@pytest.mark.usefixtures("talked")
def test_there_is_something_to_look_through_and_nothing_found(
    gateway: GatewayProcess, provider: MockProvider, traffic: Traffic, key: str
) -> None:
    assert key in gateway.secrets
    assert "/v1/chat/completions" in gateway.output, "there is a line for each request"
    assert "contract 1" in stored_by(gateway), "the keys are there by their names"
    assert "contract 1" in json.dumps(gateway.keys("list"))
    assert any(path.is_file() for path in gateway.state.rglob("*"))
    assert traffic.bodies()
    assert provider.all_requests()
    check_nothing_leaked(gateway, provider, traffic)


@pytest.mark.usefixtures("talked")
def test_what_is_printed_or_stored_is_found(gateway: GatewayProcess) -> None:
    with pytest.raises(AssertionError, match="the output"):
        check_output(gateway, ["/v1/chat/completions"])
    with pytest.raises(AssertionError, match="a table"):
        check_free_of(["contract 1"], stored_by(gateway), "a table")


def test_what_lies_in_a_file_is_found(gateway: GatewayProcess, key: str) -> None:
    path: Path = gateway.state / "leak"
    path.write_text(f"key = {key}")
    try:
        with pytest.raises(AssertionError, match="leak"):
            check_files(gateway, [key])
    finally:
        path.unlink()

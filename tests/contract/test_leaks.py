"""No key and no provider's credential may be anywhere: not in what is printed, stored or answered.

``conftest`` puts this file at the end, so that it sees what all the others left behind.
"""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from gateway_process import GatewayProcess
from mock_provider import MockProvider
from sdk_clients import Traffic

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="module")
def secrets(gateway: GatewayProcess, provider: MockProvider, key: str) -> list[str]:
    """All that must not be found."""
    assert key in gateway.secrets
    return [*gateway.secrets, provider.credential]


KNOWN_CHARACTERS = 16
"""So much of a secret is too much; seven may be shown to tell keys apart."""


def check_free_of(secrets: list[str], text: str, where: str) -> None:
    for secret in secrets:
        at = text.find(secret[:KNOWN_CHARACTERS])
        assert at < 0, f"a secret in {where}: …{text[max(0, at - 300) : at]}***"


def check_never_said(pattern: str, output: str) -> None:
    """A failure shows what stands around the words: the whole output is too long to find them in."""
    if found := re.search(pattern, output):
        pytest.fail(f"{pattern!r}: …{output[max(0, found.start() - 1000) : found.end() + 3000]}…")


@pytest.fixture
def dynamodb(gateway: GatewayProcess) -> "Iterator[DynamoDBClient]":
    client = boto3.client(
        "dynamodb",
        endpoint_url=gateway.details["aws_endpoint"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    yield client
    client.close()


def rows(dynamodb: "DynamoDBClient") -> Iterator[dict[str, Any]]:
    for page in dynamodb.get_paginator("list_tables").paginate():
        for table in page["TableNames"]:
            for items in dynamodb.get_paginator("scan").paginate(TableName=table):
                yield from items["Items"]


def test_the_output(gateway: GatewayProcess, secrets: list[str]) -> None:
    assert "/v1/chat/completions" in gateway.output, "there is a line for each request"
    check_free_of(secrets, gateway.output, "the output")


def test_the_tables(gateway: GatewayProcess, secrets: list[str], dynamodb: "DynamoDBClient") -> None:
    stored = "\n".join(repr(row) for row in rows(dynamodb))
    assert "contract 1" in stored, "the keys are there by their names"
    (printed,) = set(re.findall(r"\bsk-[A-Za-z0-9]{32,}", gateway.output))
    check_free_of([*secrets, printed], stored, "a table")


def test_the_files(gateway: GatewayProcess, secrets: list[str]) -> None:
    files = [path for path in gateway.state.rglob("*") if path.is_file()]
    assert files
    for path in files:
        check_free_of(secrets, path.read_text(errors="replace"), path.name)


def test_the_list_of_keys(gateway: GatewayProcess, secrets: list[str]) -> None:
    listed = json.dumps(gateway.keys("list"))
    assert "contract 1" in listed
    check_free_of(secrets, listed, "the list of keys")


def test_the_replies(traffic: Traffic, secrets: list[str]) -> None:
    bodies = traffic.bodies()
    assert bodies
    check_free_of(secrets, "\n".join(bodies), "a reply")


def test_the_prompts(gateway: GatewayProcess) -> None:
    """What people say is nobody's business either."""
    for words in ("Tell me about Zürich", "What is this?", "Be brief."):
        check_never_said(words, gateway.output)


def test_the_gateway_never_stumbled(gateway: GatewayProcess) -> None:
    """Faults of clients and providers are lines in the log, not tracebacks."""
    for sign in ("Traceback", "Task exception", "never retrieved", "Warning:", r" /\S* 500 "):
        check_never_said(sign, gateway.output)


def test_what_the_provider_got(provider: MockProvider, gateway: GatewayProcess) -> None:
    seen = "\n".join(f"{received.headers}" for received in provider.all_requests())
    check_free_of(gateway.secrets, seen, "a request to the provider")

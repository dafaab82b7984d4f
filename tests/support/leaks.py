"""Looks for keys and for what people say in all that a gateway has printed, stored and answered."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3

from gateway_process import GatewayProcess
from mock_provider import MockProvider
from sdk_clients import Traffic

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KNOWN_CHARACTERS = 16
"""So much of a secret is too much; seven may be shown to tell keys apart."""
PROMPTS = ("Tell me about Zürich", "What is this?", "Be brief.")
STUMBLES = ("Traceback", "Task exception", "never retrieved", "Warning:", r" /\S* 500 ")


def check_nothing_leaked(gateway: GatewayProcess, provider: MockProvider, traffic: Traffic) -> None:
    """Nothing is anywhere where it may not be."""
    secrets = [*gateway.secrets, provider.credential]
    check_output(gateway, secrets)
    check_tables(gateway, secrets)
    check_files(gateway, secrets)
    check_free_of(secrets, json.dumps(gateway.keys("list")), "the list of keys")
    check_free_of(secrets, "\n".join(traffic.bodies()), "a reply")
    # The provider gets its own credential.
    seen = "\n".join(f"{received.headers}" for received in provider.all_requests())
    check_free_of(gateway.secrets, seen, "a request to the provider")


def check_output(gateway: GatewayProcess, secrets: Sequence[str]) -> None:
    """No secret is printed, nor what people say, nor that the gateway stumbled over what is others' fault."""
    check_free_of(secrets, gateway.output, "the output")
    for pattern in (*PROMPTS, *STUMBLES):
        check_never_said(pattern, gateway.output)


def check_never_said(pattern: str, output: str) -> None:
    """A failure shows what stands around the words: the whole output is too long to find them in."""
    found = re.search(pattern, output)
    around = "" if found is None else output[max(0, found.start() - 1000) : found.end() + 3000]
    assert not around, pattern


def check_tables(gateway: GatewayProcess, secrets: Sequence[str]) -> None:
    """No secret is stored, nor the demo key, which is printed."""
    (printed,) = set(re.findall(r"\bsk-[A-Za-z0-9]{32,}", gateway.output))
    check_free_of([*secrets, printed], stored_by(gateway), "a table")


def check_files(gateway: GatewayProcess, secrets: Sequence[str]) -> None:
    """No secret is in a file."""
    for path in gateway.state.rglob("*"):
        if path.is_file():
            check_free_of(secrets, path.read_text(errors="replace"), path.name)


def check_free_of(secrets: Sequence[str], text: str, where: str) -> None:
    """None of the secrets is in a text."""
    for secret in secrets:
        at = text.find(secret[:KNOWN_CHARACTERS])
        assert at < 0, f"a secret in {where}: …{text[max(0, at - 300) : at]}***"


def stored_by(gateway: GatewayProcess) -> str:
    """All rows of all tables."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=gateway.details["aws_endpoint"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with closing(client):
        return "\n".join(repr(row) for row in _rows(client))


def _rows(dynamodb: "DynamoDBClient") -> Iterator[dict[str, Any]]:
    for page in dynamodb.get_paginator("list_tables").paginate():
        for table in page["TableNames"]:
            for items in dynamodb.get_paginator("scan").paginate(TableName=table):
                yield from items["Items"]

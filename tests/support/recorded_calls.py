"""Which calls of AWS the functions make, each under the name of the function that makes it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from sluice.stores.aws import AWS
from sluice.stores.connections import Connections, Reply

S3_ACTIONS = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}
ACCOUNT = "us-east-1:123456789012"


@dataclass(frozen=True, slots=True, order=True)
class Needed:
    """A permission that a call needs.

    Attributes:
        function: who makes it.
        action: IAM's name.
        arn: on what; empty where the call does not say.
    """

    function: str
    action: str
    arn: str


class Recorder:
    """Takes down the calls of every ``AWS`` that is made while a function is named."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.needed: set[Needed] = set()
        self._function = ""
        made, sent = AWS.__init__, Connections.send
        owners: dict[int, str] = {}
        client, bucket = AWS._client, AWS.bucket
        recorder = self

        def note(aws: AWS, connections: Connections) -> None:
            owners[id(connections)] = vars(aws)["function"]

        def init(aws: AWS, *args: Any, **kwargs: Any) -> None:
            made(aws, *args, **kwargs)
            vars(aws)["function"] = recorder._function

        def make_client(aws: AWS, *args: Any) -> Any:
            found = client(aws, *args)
            note(aws, found._connections)
            return found

        def make_bucket(aws: AWS, *args: Any) -> Any:
            found = bucket(aws, *args)
            note(aws, found._connections)
            return found

        async def send(
            connections: Connections,
            method: str,
            target: str,
            headers: Sequence[tuple[str, str]],
            body: bytes,
            **more: Any,
        ) -> Reply:
            function = owners.get(id(connections), "")
            if function:
                named = {name.lower(): value for name, value in headers}
                recorder.needed |= {
                    Needed(function, *each) for each in _permissions(method, target, named, body)
                }
            return await sent(connections, method, target, headers, body, **more)

        monkeypatch.setattr(AWS, "__init__", init)
        monkeypatch.setattr(AWS, "_client", make_client)
        monkeypatch.setattr(AWS, "bucket", make_bucket)
        monkeypatch.setattr(Connections, "send", send)

    @contextmanager
    def of(self, function: str) -> Iterator[None]:
        """What is made in this context is the function's."""
        self._function = function
        try:
            yield
        finally:
            self._function = ""


def _permissions(
    method: str, target: str, headers: Mapping[str, str], body: bytes
) -> Iterator[tuple[str, str]]:
    if "x-amz-target" not in headers:
        yield _of_s3(method, target)
        return
    service, _, operation = headers["x-amz-target"].partition(".")
    members = json.loads(body)
    match service:
        case "DynamoDB_20120810":
            tables = members.get("RequestItems") or [members["TableName"]]
            index = f"/index/{members['IndexName']}" if "IndexName" in members else ""
            for table in tables:
                yield f"dynamodb:{operation}", f"arn:aws:dynamodb:{ACCOUNT}:table/{table}{index}"
        case "secretsmanager":
            yield (
                f"secretsmanager:{operation}",
                f"arn:aws:secretsmanager:{ACCOUNT}:secret:{members['SecretId']}-AbCdEf",
            )
        case "AWSStepFunctions":
            yield f"states:{operation}", members.get("stateMachineArn") or members.get("executionArn", "")
        case other:
            raise AssertionError(other)


def _of_s3(method: str, target: str) -> tuple[str, str]:
    bucket, _, key = unquote(urlsplit(target).path).lstrip("/").partition("/")
    if not key:
        return "s3:ListBucket", f"arn:aws:s3:::{bucket}"
    return S3_ACTIONS[method], f"arn:aws:s3:::{bucket}/{key}"

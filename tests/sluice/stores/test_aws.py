"""Calls of AWS's JSON protocol: signed as AWS's own SDK signs, repeated where that helps, and what failures mean."""

import asyncio
import json
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from sluice.credentials import AWSCredentials
from sluice.errors import OverloadedError
from sluice.stores import aws as aws_module
from sluice.stores import connections
from sluice.stores.access import Access, Endpoint
from sluice.stores.aws import (
    AWS,
    DYNAMODB,
    AWSError,
    Client,
    ConditionFailedError,
    UnansweredError,
    error_of,
)
from sluice.stores.connections import Connections

Handler = Callable[[dict[str, str], bytes], bytes | None]


def reply(body: Any, status: int = 200, **headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-length": str(len(data)), "x-amz-crc32": str(zlib.crc32(data)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + data


class Server:
    """Answers with what the test has queued; None closes the connection without an answer."""

    def __init__(self, *replies: bytes | None) -> None:
        self.replies = list(replies)
        self.connections = 0
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
                body = await reader.readexactly(int(headers["content-length"]))
                self.requests.append((headers, body))
                self.asked.set()
                answer = self.replies.pop(0)
                if answer is None:
                    break
                writer.write(answer)
        except asyncio.IncompleteReadError:
            pass
        writer.close()


@asynccontextmanager
async def serving(*replies: bytes | None) -> AsyncIterator[tuple[Server, Client]]:
    server = Server(*replies)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()[:2]
    aws = AWS(Endpoint(f"http://{host}:{port}", "eu-central-1"))
    try:
        yield server, aws.dynamodb
    finally:
        aws.close()
        listening.close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_module, "BACKOFF_SECONDS", 0)


async def test_a_call_is_what_the_protocol_says() -> None:
    async with serving(reply({"Item": {"a": {"S": "ü"}}})) as (server, client):
        found = await client.call("GetItem", TableName="t", Key={"a": {"S": "1"}})
    assert found == {"Item": {"a": {"S": "ü"}}}
    ((headers, body),) = server.requests
    assert json.loads(body) == {"TableName": "t", "Key": {"a": {"S": "1"}}}
    assert headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=local/")


async def test_a_call_is_signed_by_what_it_sends() -> None:
    async with serving(reply({})) as (server, local):
        access = Access(local.access.url, "eu-west-1", AWSCredentials("AKIA", "secret", "token"))
        client = Client(
            DYNAMODB, access, Connections(access.url, tls=aws_module.default_tls, connect_seconds=1)
        )
        await client.call("ListTables", Limit=1)
        client.close()
    ((headers, body),) = server.requests
    signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert {"content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"} <= set(signed)
    again = AWSRequest("POST", access.url, headers={name: headers[name] for name in signed}, data=body)
    again.context["timestamp"] = headers["x-amz-date"]
    signer = botocore.auth.SigV4Auth(BotocoreCredentials("AKIA", "secret", "token"), "dynamodb", "eu-west-1")
    expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert headers["authorization"].endswith(f"Signature={expected}")
    assert headers["x-amz-security-token"] == "token"


async def test_calls_share_a_connection_and_open_more_when_they_overlap() -> None:
    async with serving(*[reply({})] * 13) as (server, client):
        for _ in range(3):
            await client.call("ListTables")
        assert server.connections == 1
        await asyncio.gather(*(client.call("ListTables") for _ in range(10)))
        assert 1 < server.connections <= 10


@pytest.mark.parametrize(
    "failure",
    [
        None,
        reply({"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}, 400),
        reply({"__type": "x#ProvisionedThroughputExceededException"}, 400),
        reply(b"<html>", 503),
        reply({"a": 1}, x_amz_crc32="1"),
        reply(b"[]"),
        reply(b"not json"),
        b"nonsense\r\n\r\n",
    ],
)
async def test_what_may_pass_is_tried_again(failure: bytes | None) -> None:
    async with serving(failure, failure, reply({"ok": 1})) as (server, client):
        assert await client.call("ListTables") == {"ok": 1}
    assert len(server.requests) == 3


async def test_kept_connections_that_have_died_unseen_are_given_up_together() -> None:
    """As after a freeze: each of them would fail, and a fresh one would not."""
    async with serving(*[reply({})] * 8, None, reply({"ok": 1})) as (server, client):
        await asyncio.gather(*(client.call("ListTables") for _ in range(8)))
        opened = server.connections
        assert opened > 1
        assert await client.call("ListTables") == {"ok": 1}
        assert server.connections == opened + 1


async def test_a_reply_too_many_is_never_taken_for_the_next_ones() -> None:
    async with serving(reply({"mine": 1}) + reply({"forged": 1}), reply({"mine": 2})) as (server, client):
        assert await client.call("ListTables") == {"mine": 1}
        assert await client.call("ListTables") == {"mine": 2}
        assert server.connections == 2


async def test_a_connection_long_unused_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0)
    async with serving(reply({}), reply({})) as (server, client):
        for _ in range(2):
            await client.call("ListTables")
        assert server.connections == 2


async def test_an_overload_that_lasts_says_when_to_come_again() -> None:
    async with serving(*[reply({"__type": "x#ThrottlingException"}, 400)] * 3) as (server, client):
        with pytest.raises(OverloadedError) as caught:
            await client.call("ListTables")
    assert caught.value.retry_after == 1
    assert len(server.requests) == 3


THROTTLED = reply({"__type": "x#ThrottlingException"}, 400)
FAILED_INSIDE = reply({"__type": "x#InternalServerError"}, 500)


@pytest.mark.parametrize(
    ("replies", "unanswered"),
    [
        ((THROTTLED, THROTTLED, THROTTLED), False),
        ((None, THROTTLED, THROTTLED), True),
        ((THROTTLED, None, THROTTLED), True),
        ((FAILED_INSIDE, THROTTLED, THROTTLED), True),
        ((THROTTLED, THROTTLED, FAILED_INSIDE), True),
    ],
)
async def test_a_call_that_may_have_been_carried_out_says_so(
    replies: Sequence[bytes | None], unanswered: bool
) -> None:
    async with serving(*replies) as (_, client):
        with pytest.raises(OverloadedError) as caught:
            await client.call("ListTables")
    assert isinstance(caught.value, UnansweredError) is unanswered


async def test_each_attempt_of_a_call_can_have_members_of_its_own() -> None:
    async with serving(None, THROTTLED, reply({"ok": 1})) as (server, client):
        assert await client.call_anew("ListTables", lambda attempt: {"Limit": attempt}) == {"ok": 1}
    assert [json.loads(body) for _, body in server.requests] == [{"Limit": 0}, {"Limit": 1}, {"Limit": 2}]


async def test_an_endpoint_that_refuses_connections_is_an_overload() -> None:
    async with serving() as (_, client):
        pass
    with pytest.raises(OverloadedError):
        await client.call("ListTables")


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"]
)
async def test_a_fault_of_the_deployment_is_told_at_once(code: str) -> None:
    async with serving(reply({"__type": f"x#{code}:", "Message": "why"}, 400)) as (server, client):
        with pytest.raises(AWSError, match=f"ListTables: {code}: why") as caught:
            await client.call("ListTables")
    assert caught.value.code == code
    assert len(server.requests) == 1


ITEM = {"digest": {"S": "d"}}


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"__type": "x#ConditionalCheckFailedException", "Item": ITEM}, ConditionFailedError),
        (
            {
                "__type": "x#TransactionCanceledException",
                "CancellationReasons": [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": ITEM}],
            },
            ConditionFailedError,
        ),
        (
            {
                "__type": "x#TransactionCanceledException",
                "CancellationReasons": [{"Code": "TransactionConflict"}],
            },
            OverloadedError,
        ),
        (
            {
                "__type": "x#TransactionCanceledException",
                "CancellationReasons": [{"Code": "ValidationError"}],
            },
            AWSError,
        ),
        ({}, AWSError),
    ],
)
def test_what_an_error_means(members: dict[str, Any], kind: type[Exception]) -> None:
    found = error_of("PutItem", 400, members)
    assert type(found) is kind
    if isinstance(found, ConditionFailedError):
        assert found.item == ITEM


async def test_a_caller_that_leaves_takes_its_connection_with_it() -> None:
    async with serving(b"HTTP/1.1 200 X\r\ncontent-length: 2\r\n\r\n", reply({})) as (server, client):
        calling = asyncio.create_task(client.call("ListTables"))
        await server.asked.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert await client.call("ListTables") == {}
        assert server.connections == 2


def test_a_client_outlives_the_loop_it_was_first_used_in() -> None:
    async def use(aws: AWS) -> None:
        with pytest.raises(OverloadedError):
            await aws.dynamodb.call("ListTables")

    aws = AWS(Endpoint("http://127.0.0.1:9", "us-east-1"))
    asyncio.run(use(aws))
    asyncio.run(use(aws))
    aws.close()


def test_no_cold_start_pays_for_botocore() -> None:
    """Nothing of it but its bare package, which Powertools looks at."""
    program = (
        "import sys, sluice.pipeline.gateway; print([name for name in sys.modules if 'botocore.' in name])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"

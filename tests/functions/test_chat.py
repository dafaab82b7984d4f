"""The chat function as Lambda runs it: behind the streaming runtime, fed with the sample events."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from embedded_metrics import measured
from sluice.local.stack import Stack
from sluice.stores.access import Endpoint
from streamed_functions import StreamedFunction, running_function, sample_events


@pytest.fixture
async def chat(tmp_path: Path, stack: tuple[Endpoint, Stack]) -> AsyncIterator[StreamedFunction]:
    async with running_function("chat", tmp_path, *stack) as function:
        yield function


async def test_a_stream_leaves_in_pieces_and_ends_well(chat: StreamedFunction) -> None:
    call = await chat.answered("stream")
    assert call.streamed
    assert call.prelude["statusCode"] == 200
    assert call.prelude["headers"]["content-type"].startswith("text/event-stream")
    assert len(call.chunks) > 20
    events = call.body.split(b"\n\n")
    assert events[-2:] == [b"data: [DONE]", b""]
    last = json.loads(events[-3].removeprefix(b"data: "))
    assert last["usage"]["completion_tokens"] > 0
    assert len(last["responseHash"]) == 64


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("whole", 200, None),
        ("without_key", 401, "invalid_api_key"),
        ("wrong_method", 405, "method_not_allowed"),
    ],
)
async def test_whole_replies_and_errors_have_the_streamed_form_too(
    chat: StreamedFunction, name: str, status: int, code: str | None
) -> None:
    call = await chat.answered(name)
    body = json.loads(call.body)
    assert call.streamed
    assert (call.prelude["statusCode"], body.get("error", {}).get("code")) == (status, code)
    assert call.prelude["headers"]["x-request-id"].startswith("req_")


async def test_a_body_in_base64_is_read(chat: StreamedFunction) -> None:
    call = await chat.answered("base64_body")
    assert json.loads(call.body)["choices"][0]["message"]["content"].endswith("You said: Grüße")


async def test_a_second_invocation_is_served_by_the_same_process(chat: StreamedFunction) -> None:
    calls = [await chat.answered("whole") for _ in range(3)]
    assert [call.prelude["statusCode"] for call in calls] == [200, 200, 200]


async def test_each_invocation_leaves_one_line_and_one_of_metrics(
    tmp_path: Path, stack: tuple[Endpoint, Stack]
) -> None:
    endpoint, made = stack
    async with running_function(
        "chat", tmp_path, endpoint, made, POWERTOOLS_METRICS_NAMESPACE="sluice-test"
    ) as chat:
        names = ("whole", "stream", "without_key")
        statuses = [(await chat.answered(name)).prelude["statusCode"] for name in names]
        lines = (await chat.process.stop()).splitlines()
    requests = [json.loads(line)["request"] for line in lines if '"request":{' in line]
    found = [measured(line) for line in lines if line.startswith('{"_aws"')]
    assert [request["status"] for request in requests] == statuses == [200, 200, 401]
    assert [each.document["request_id"] for each in found] == [each["request_id"] for each in requests]
    assert ["FirstByte" in each.values for each in found] == [False, True, False]


async def test_a_preflight_is_answered_without_a_key(tmp_path: Path, stack: tuple[Endpoint, Stack]) -> None:
    page = "https://app.example.com"
    async with running_function("chat", tmp_path, *stack, SLUICE_CORS_ORIGINS=page) as chat:
        call = await chat.answered("preflight")
    assert (call.prelude["statusCode"], call.body) == (204, b"")
    headers = call.prelude["headers"]
    assert headers["access-control-allow-origin"] == page
    assert headers["access-control-allow-methods"] == "POST"
    assert headers["access-control-allow-headers"] == "authorization, content-type, x-stainless-lang"
    assert headers["x-request-id"].startswith("req_")


async def test_every_sample_event_is_used() -> None:
    used = {"stream", "whole", "without_key", "wrong_method", "base64_body", "preflight"}
    assert sample_events("chat") == used

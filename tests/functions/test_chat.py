"""The chat function as Lambda runs it: behind the streaming runtime, fed with the sample events."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_metrics import measured
from key_records import key_record
from local_stack import ROOT, local_stack
from made_settings import TABLE_VARIABLES
from runtime_api import Call
from runtime_process import Platform, RuntimeProcess, running_platform
from sluice.keys import new_secret
from sluice.local.stack import Stack
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS
from sluice.stores.keys import KeyStore

EVENTS = ROOT / "events" / "chat"
PLACEHOLDER = "sk-replace-this-with-a-key"
SECRET = new_secret("key")
SOURCE = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("chat_app", {str(ROOT / "functions/chat/app.py")!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
app = module.app
"""


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8").replace(PLACEHOLDER, SECRET))


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[Endpoint, Stack]]:
    with local_stack() as (endpoint, made):
        asyncio.run(KeyStore(AWS(endpoint), made.tables["KeysTable"]).put_new(key_record(SECRET)))
        yield endpoint, made


async def started(platform: Platform, stack: tuple[Endpoint, Stack], **more: str) -> RuntimeProcess:
    endpoint, made = stack
    return await platform.start(
        SOURCE,
        **{name: made.tables[table] for name, table in TABLE_VARIABLES.items()},
        AWS_ENDPOINT_URL=endpoint.url,
        AWS_REGION=endpoint.region,
        AWS_DEFAULT_REGION=endpoint.region,
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",
        AWS_LAMBDA_FUNCTION_NAME="chat",
        **more,
    )


@pytest.fixture
async def lambda_(tmp_path: Path, stack: tuple[Endpoint, Stack]) -> AsyncIterator[Platform]:
    async with running_platform(tmp_path) as platform:
        await started(platform, stack)
        yield platform


async def answered(platform: Platform, name: str) -> Call:
    call = platform.api.invoke(event(name))
    await platform.api.completed(call)
    return call


async def test_a_stream_leaves_in_pieces_and_ends_well(lambda_: Platform) -> None:
    call = await answered(lambda_, "stream")
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
    lambda_: Platform, name: str, status: int, code: str | None
) -> None:
    call = await answered(lambda_, name)
    body = json.loads(call.body)
    assert call.streamed
    assert (call.prelude["statusCode"], body.get("error", {}).get("code")) == (status, code)
    assert call.prelude["headers"]["x-request-id"].startswith("req_")


async def test_a_body_in_base64_is_read(lambda_: Platform) -> None:
    call = await answered(lambda_, "base64_body")
    assert json.loads(call.body)["choices"][0]["message"]["content"].endswith("You said: Grüße")


async def test_a_second_invocation_is_served_by_the_same_process(lambda_: Platform) -> None:
    calls = [await answered(lambda_, "whole") for _ in range(3)]
    assert [call.prelude["statusCode"] for call in calls] == [200, 200, 200]


async def test_each_invocation_leaves_one_line_and_one_of_metrics(
    tmp_path: Path, stack: tuple[Endpoint, Stack]
) -> None:
    async with running_platform(tmp_path) as platform:
        process = await started(platform, stack, POWERTOOLS_METRICS_NAMESPACE="sluice-test")
        names = ("whole", "stream", "without_key")
        statuses = [(await answered(platform, name)).prelude["statusCode"] for name in names]
        lines = (await process.stop()).splitlines()
    requests = [json.loads(line)["request"] for line in lines if '"request":{' in line]
    found = [measured(line) for line in lines if line.startswith('{"_aws"')]
    assert [request["status"] for request in requests] == statuses == [200, 200, 401]
    assert [each.document["request_id"] for each in found] == [each["request_id"] for each in requests]
    assert ["FirstByte" in each.values for each in found] == [False, True, False]


async def test_a_preflight_is_answered_without_a_key(tmp_path: Path, stack: tuple[Endpoint, Stack]) -> None:
    page = "https://app.example.com"
    async with running_platform(tmp_path) as platform:
        await started(platform, stack, SLUICE_CORS_ORIGINS=page)
        call = await answered(platform, "preflight")
    assert (call.prelude["statusCode"], call.body) == (204, b"")
    headers = call.prelude["headers"]
    assert headers["access-control-allow-origin"] == page
    assert headers["access-control-allow-methods"] == "POST"
    assert headers["access-control-allow-headers"] == "authorization, content-type, x-stainless-lang"
    assert headers["x-request-id"].startswith("req_")


async def test_every_sample_event_is_used() -> None:
    used = {"stream", "whole", "without_key", "wrong_method", "base64_body", "preflight"}
    assert {path.stem for path in EVENTS.glob("*.json")} == used

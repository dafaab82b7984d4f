"""Every log line carries the id of the request in whose course it was written."""

import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor

from proxy_events import proxy_event
from runtime_process import Platform
from sluice_streaming.request_ids import RequestIds

SOURCE = """
@http_only
async def app(scope, receive, send):
    request_id = scope["aws.context"].aws_request_id
    logging.error("begins %s", request_id)
    await send(start())
    await wait_at("all have begun")
    logging.error("resumes %s", request_id)
    await asyncio.create_task(child(request_id))
    await asyncio.to_thread(logging.error, "in a thread %s", request_id)
    await send(body(b""))
    logging.error("settles %s", request_id)
    if scope["path"] == "/crash":
        raise ValueError(f"crashes {request_id}")

async def child(request_id):
    logging.error("in a task %s", request_id)
"""


async def test_request_ids_are_right_under_concurrency(platform: Platform) -> None:
    runtime = await platform.start(SOURCE, AWS_LAMBDA_MAX_CONCURRENCY="20")
    calls = [platform.api.invoke(proxy_event()) for _ in range(20)]
    await platform.gates.reached("all have begun", 20)
    await platform.gates.open("all have begun")
    await platform.api.completed(*calls)
    await platform.api.polled(40)
    lines = re.findall(r"^\[ERROR\]\t\S+Z\t(\S*)\t(.+) (request-\d+)$", await runtime.stop(), re.MULTILINE)
    assert len(lines) == 20 * 5
    assert all(marked == request_id for marked, _, request_id in lines)


async def test_json_lines_carry_the_request_id_and_tenant(platform: Platform) -> None:
    runtime = await platform.start(SOURCE, AWS_LAMBDA_MAX_CONCURRENCY="2", AWS_LAMBDA_LOG_FORMAT="JSON")
    await platform.gates.open("all have begun")
    call = platform.api.invoke(proxy_event("/crash"), {"Lambda-Runtime-Aws-Tenant-Id": "blue"})
    await platform.api.completed(call)
    await platform.api.polled(3)
    lines = [json.loads(line) for line in (await runtime.stop()).splitlines()]
    assert [line.get("message") for line in lines[:2]] == ["begins request-1", "resumes request-1"]
    assert {line["requestId"] for line in lines} == {"request-1"}
    assert {line["tenantId"] for line in lines[:-1]} == {"blue"}
    assert lines[-1]["errorMessage"] == "crashes request-1"


def record() -> logging.LogRecord:
    return logging.LogRecord("name", logging.ERROR, __file__, 1, "message", (), None)


def marks(ids: RequestIds) -> tuple[str, str | None]:
    line = record()
    assert ids.filter(line)
    return line.__dict__["aws_request_id"], line.__dict__["tenant_id"]


def test_outside_of_a_request_nobody_is_named() -> None:
    ids = RequestIds(one_at_a_time=False)
    assert marks(ids) == ("", None)
    with ids.serving("request-1", "blue"):
        assert marks(ids) == ("request-1", "blue")
    assert marks(ids) == ("", None)


def test_a_thread_without_context_is_counted_to_the_request_only_when_there_is_but_one() -> None:
    alone, many = RequestIds(one_at_a_time=True), RequestIds(one_at_a_time=False)
    with ThreadPoolExecutor(1) as threads, alone.serving("request-1", None), many.serving("request-1", None):
        assert threads.submit(marks, alone).result() == ("request-1", None)
        assert threads.submit(marks, many).result() == ("", None)

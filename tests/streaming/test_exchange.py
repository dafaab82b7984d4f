"""What an application may receive and send, and when."""

import asyncio
from collections.abc import Iterable

import pytest

from proxy_events import proxy_event
from runtime_process import Platform
from sluice_streaming.asgi import Application, Message, Receive, Scope, Send
from sluice_streaming.exchange import Exchange, IncompleteResponseError, UnexpectedMessageError
from sluice_streaming.invocation import Fault

START: Message = {"type": "http.response.start", "status": 200}
PART: Message = {"type": "http.response.body", "body": b"a", "more_body": True}
LAST: Message = {"type": "http.response.body", "body": b"b"}


class RecordedReply:
    """A reply that only remembers."""

    def __init__(self) -> None:
        self.parts: list[object] = []

    async def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.parts.append((status, list(headers)))

    async def write(self, data: bytes) -> None:
        self.parts.append(data)

    async def end(self, data: bytes) -> None:
        self.parts.append(("end", data))

    async def fail(self, fault: Fault) -> None:
        self.parts.append(fault)


STARLETTE = """
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse
from starlette.routing import Route

@asynccontextmanager
async def lifespan(app):
    yield {"greeting": b"hello "}

async def parts(request):
    yield request.state.greeting
    await wait_at("first part seen")
    if request.query_params.get("break"):
        raise ValueError("mid-stream")
    yield await request.body()

async def stream(request):
    await request.body()
    return StreamingResponse(parts(request), background=BackgroundTask(wait_at, "background"))

async def fail(request):
    raise ValueError("before a response")

app = Starlette(routes=[Route("/stream", stream, methods=["POST"]), Route("/fail", fail)], lifespan=lifespan)
"""


async def run(application: Application) -> list[object]:
    reply = RecordedReply()
    await Exchange({"type": "http"}, b"request", reply).run(application)
    return reply.parts


def sending(*messages: Message) -> Application:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return application


async def test_a_response_in_parts() -> None:
    assert await run(sending(START, PART, LAST)) == [(200, []), b"a", ("end", b"b")]


async def test_an_empty_part_is_not_sent() -> None:
    empty = {"type": "http.response.body", "more_body": True}
    assert await run(sending(START, empty, LAST)) == [(200, []), ("end", b"b")]


@pytest.mark.parametrize("messages", [(), (START,), (START, PART)])
async def test_a_response_must_be_completed(messages: tuple[Message, ...]) -> None:
    with pytest.raises(IncompleteResponseError):
        await run(sending(*messages))


@pytest.mark.parametrize(
    "messages",
    [(PART,), (START, START), (START, LAST, LAST), (START, LAST, START), ({"type": "websocket.accept"},)],
)
async def test_what_is_not_due_is_an_error_of_the_application(messages: tuple[Message, ...]) -> None:
    with pytest.raises(UnexpectedMessageError):
        await run(sending(*messages))


async def test_the_body_comes_once_and_the_disconnect_after_the_response() -> None:
    received: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        received.append(await receive())
        waiting = asyncio.ensure_future(receive())
        await send(START)
        await send(PART)
        for _ in range(3):
            await asyncio.sleep(0)
        assert not waiting.done()
        await send(LAST)
        received.append(await waiting)
        received.append(await receive())

    await run(application)
    disconnect = {"type": "http.disconnect"}
    assert received == [
        {"type": "http.request", "body": b"request", "more_body": False}, disconnect, disconnect,
    ]  # fmt: skip


async def test_starlette_streams_and_runs_its_background_task_off_the_clients_clock(
    platform: Platform,
) -> None:
    await platform.start(STARLETTE)
    call = platform.api.invoke(proxy_event("/stream", body="world"))
    assert await platform.api.chunk(call, 1) == b"hello "
    await platform.gates.open("first part seen")
    await platform.api.completed(call)
    assert call.body == b"hello world"
    await platform.gates.reached("background")
    assert platform.api.polls == 1
    await platform.gates.open("background")
    await platform.api.polled(2)


async def test_what_fails_in_starlette(platform: Platform) -> None:
    await platform.start(STARLETTE)
    await platform.gates.open("first part seen")
    broken = platform.api.invoke(
        proxy_event("/stream", body="", multiValueQueryStringParameters={"break": ["1"]})
    )
    failed = platform.api.invoke(proxy_event("/fail", method="GET"))
    missing = platform.api.invoke(proxy_event("/nowhere"))
    await platform.api.completed(broken, failed, missing)
    assert broken.body == b"hello "
    assert broken.trailing_error["errorMessage"] == "mid-stream"
    assert (failed.prelude["statusCode"], failed.body, failed.trailers) == (500, b"Internal Server Error", {})
    assert missing.prelude["statusCode"] == 404

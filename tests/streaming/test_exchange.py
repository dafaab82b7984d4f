"""What an application may receive and send, and when."""

import asyncio
from collections.abc import Iterable

import pytest

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

"""A client that goes away, or stops reading, keeps nobody busy; unless its work is to outlive it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from asgi_application import LIMIT, app
from asgi_client import Client, Message
from sluice.asgi import exchange as exchange_module
from sluice.asgi.exchange import Exchange
from sluice.errors import OverloadedError
from sluice.observability import RequestRecord
from sluice.wire.sse import Frame


class Waiting:
    """A handler that waits until it is cancelled, or let go."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.release = asyncio.Event()
        self.ended = ""

    async def __call__(self, exchange: Exchange, _: str) -> None:
        await exchange.body(LIMIT)
        self.began.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # giving things back may take a while
            self.ended = "cancelled"
            raise
        await exchange.send_json(200, b"{}")
        await asyncio.sleep(0)
        self.ended = "done"


async def test_a_client_that_leaves_ends_the_work_before_the_request_ends(
    records: list[RequestRecord],
) -> None:
    waiting, client = Waiting(), Client()
    asking = asyncio.create_task(client.ask(app(wait=waiting), "/wait"))
    await waiting.began.wait()
    client.gone.set()
    await asking
    assert (waiting.ended, client.sent, records[0].status) == ("cancelled", [], 499)


async def test_a_client_that_leaves_while_it_sends_is_noticed(records: list[RequestRecord]) -> None:
    client = Client()
    client._body = []
    client.gone.set()
    await client.ask(app())
    assert (client.sent, records[0].status) == ([], 499)


async def test_a_client_that_leaves_with_its_reply_does_not_end_the_work_after_it() -> None:
    waiting, client = Waiting(), Client()
    asking = asyncio.create_task(client.ask(app(wait=waiting), "/wait"))
    await waiting.began.wait()
    waiting.release.set()
    await client.finished.wait()
    client.gone.set()
    await asking
    assert waiting.ended == "done"


class Outliving(Waiting):
    """The same, with its reply kept for a client that comes back."""

    async def __call__(self, exchange: Exchange, name: str) -> None:
        exchange.outlive_client()
        await super().__call__(exchange, name)


class Leaving(Client):
    """Tells when its leaving was noticed."""

    def __init__(self) -> None:
        super().__init__()
        self._noticed = asyncio.Event()

    async def receive(self) -> Message:
        message = await super().receive()
        if message["type"] == "http.disconnect":
            self._noticed.set()
        return message

    async def noticed(self) -> None:
        """Wait until it was, and whatever comes of that has come."""
        await self._noticed.wait()
        for _ in range(10):
            await asyncio.sleep(0)


async def test_work_that_outlives_its_client_goes_on_when_that_leaves(records: list[RequestRecord]) -> None:
    waiting, client = Outliving(), Leaving()
    asking = asyncio.create_task(client.ask(app(wait=waiting), "/wait"))
    await waiting.began.wait()
    client.gone.set()
    await client.noticed()
    waiting.release.set()
    await asking
    assert (waiting.ended, records[0].status) == ("done", 499)


async def test_a_client_that_stays_is_answered_as_any_other(records: list[RequestRecord]) -> None:
    waiting, client = Outliving(), Client()
    asking = asyncio.create_task(client.ask(app(wait=waiting), "/wait"))
    await waiting.began.wait()
    waiting.release.set()
    await client.finished.wait()
    client.gone.set()
    await asking
    assert (waiting.ended, client.status, records[0].status) == ("done", 200, 200)


async def test_a_failure_after_the_client_left_is_logged_as_what_it_is(records: list[RequestRecord]) -> None:
    client, began = Leaving(), asyncio.Event()

    async def failing(exchange: Exchange, _: str) -> None:
        exchange.outlive_client()
        await exchange.body(LIMIT)
        began.set()
        await client.noticed()
        raise OverloadedError("later")

    asking = asyncio.create_task(client.ask(app(failing=failing), "/failing"))
    await began.wait()
    client.gone.set()
    await asking
    assert (records[0].status, records[0].error) == (503, "overloaded")


async def test_a_server_that_ends_cancels_what_outlives_its_client_too() -> None:
    waiting, client = Outliving(), Leaving()
    asking = asyncio.create_task(client.ask(app(wait=waiting), "/wait"))
    await waiting.began.wait()
    client.gone.set()
    await client.noticed()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert waiting.ended == "cancelled"


async def test_a_stream_that_outlives_its_client_is_made_to_its_end() -> None:
    made: list[bytes] = []
    began = asyncio.Event()

    class Full(Leaving):
        """Its connection takes nothing more, until it is closed; then whatever is sent goes nowhere."""

        async def send(self, message: Message) -> None:
            if message["type"] == "http.response.body":
                await self.gone.wait()

    client = Full()

    async def stream(exchange: Exchange, _: str) -> None:
        exchange.outlive_client()
        await exchange.body(LIMIT)

        async def frames() -> AsyncIterator[Frame]:
            for number in range(3):
                made.append(b"%d" % number)
                began.set()
                yield Frame(b": 1\n\n", last=number == 2)
                await client.noticed()

        await exchange.send_events(frames(), asyncio.get_running_loop().time() + 30)

    asking = asyncio.create_task(client.ask(app(stream=stream), "/stream"))
    await began.wait()
    assert made == [b"0"]
    client.gone.set()
    await asking
    assert made == [b"0", b"1", b"2"]


async def test_a_server_that_ends_cancels_the_work() -> None:
    waiting = Waiting()
    asking = asyncio.create_task(Client().ask(app(wait=waiting), "/wait"))
    await waiting.began.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert waiting.ended == "cancelled"


async def test_a_client_that_stops_reading_is_left_soon_after_the_deadline(
    records: list[RequestRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_module, "SLOW_READER_SECONDS", 0.01)
    ended = asyncio.Event()

    async def stream(exchange: Exchange, _: str) -> None:
        async def frames() -> AsyncIterator[Frame]:
            yield Frame(b": 1\n\n")

        try:
            await exchange.send_events(frames(), asyncio.get_running_loop().time())
        finally:
            ended.set()

    class Stuck(Client):
        async def send(self, message: Message) -> None:
            self.sent.append(message)
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

    await Stuck().ask(app(stream=stream), "/stream")
    assert ended.is_set()
    assert records[0].status == 499

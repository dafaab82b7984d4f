"""Whatever is asked and whatever happens, the client's address counts, and no reply leaves before that is known."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asgi_client import Client, Message
from sluice.accounting.windows import Window
from sluice.asgi import application
from sluice.asgi.application import Application, get, post
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.exchange import Exchange
from sluice.errors import InvalidAPIKeyError, OverloadedError, RateLimitError
from sluice.observability import RequestRecord
from sluice.pipeline.address_limit import AddressLimiter
from sluice.wire.sse import Frame

REFUSAL = RateLimitError("enough", retry_after=2.5)
GUARD_SECONDS = 10


class Counts:
    """Counts when it is let, and has then what it is given to raise."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.began = asyncio.Event()
        self.release = asyncio.Event()
        self.ended = ""
        self.clients: list[str] = []

    async def count(
        self, client: str, seen: Window | None, rolled: Window, *, limit: int, now: float
    ) -> Window:
        self.clients.append(client)
        self.began.set()
        try:
            async with asyncio.timeout(GUARD_SECONDS):
                await self.release.wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "done"
        if self.error is not None:
            raise self.error
        return rolled

    def released(self) -> "Counts":
        """The same, which nothing holds up."""
        self.release.set()
        return self


NO_PAGE = CrossOrigin(frozenset())


class Handlers:
    """One of each kind of end that a request can have."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.asked = ""

    async def whole(self, exchange: Exchange, _: str) -> None:
        await exchange.body(10)
        self.began.set()
        await exchange.send_json(200, b"{}")

    async def streamed(self, exchange: Exchange, _: str) -> None:
        async def frames() -> AsyncIterator[Frame]:
            yield Frame(b"data: [DONE]\n\n", last=True)

        self.began.set()
        await exchange.send_events(frames(), asyncio.get_running_loop().time() + 10)

    async def unauthorized(self, exchange: Exchange, _: str) -> None:
        self.began.set()
        raise InvalidAPIKeyError("no")

    async def broken(self, exchange: Exchange, _: str) -> None:
        self.began.set()
        raise KeyError("sk-secret")

    async def careful(self, exchange: Exchange, _: str) -> None:
        """Asks before it begins anything."""
        await exchange.body(10)
        self.began.set()
        try:
            await exchange.allowed()
            self.asked = "allowed"
        except BaseException as error:
            self.asked = type(error).__name__
            raise
        await exchange.send_json(200, b"{}")

    async def waiting(self, exchange: Exchange, _: str) -> None:
        await exchange.body(10)
        self.began.set()
        await asyncio.Event().wait()


def served(counts: Counts, handlers: Handlers) -> Application[str]:
    limiter = AddressLimiter(counts, limit=5, size=10, clock=lambda: 1_795_219_200.0)
    kinds = ("whole", "streamed", "unauthorized", "broken", "careful", "waiting")
    return Application(
        {f"/{kind}": post(getattr(handlers, kind)) for kind in kinds} | {"/get": get(handlers.whole)},
        name="test",
        open_parts=lambda: "parts",
        open_limiter=lambda parts: limiter if parts == "parts" else None,
        cross_origin=lambda _: NO_PAGE,
    )


EVERY_END = [
    ("/whole", "POST", 200),
    ("/get", "GET", 200),
    ("/get", "HEAD", 200),
    ("/streamed", "POST", 200),
    ("/careful", "POST", 200),
    ("/unauthorized", "POST", 401),
    ("/broken", "POST", 500),
    ("/whole", "DELETE", 405),
    ("/whole", "OPTIONS", 204),
    ("/nowhere", "GET", 404),
]


@pytest.fixture
def handlers() -> Handlers:
    return Handlers()


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[RequestRecord]:
    found: list[RequestRecord] = []
    monkeypatch.setattr(application, "log_request", found.append)
    return found


@pytest.fixture(autouse=True)
async def nothing_is_left_running() -> AsyncIterator[None]:
    yield
    left = [task.get_coro() for task in asyncio.all_tasks()]
    assert [coro for coro in left if "TestRunner" not in str(coro)] == []


@pytest.mark.parametrize(("path", "method", "status"), EVERY_END)
async def test_a_request_that_is_allowed_is_answered_once_that_is_known(
    handlers: Handlers, path: str, method: str, status: int
) -> None:
    counts, client = Counts(), Client()
    asking = asyncio.create_task(client.ask(served(counts, handlers), path, method, client=("192.0.2.1", 1)))
    await counts.began.wait()
    if status in {200, 401, 500}:
        await handlers.began.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    assert client.sent == []
    counts.release.set()
    await asking
    assert (client.status, counts.clients) == (status, ["192.0.2.1"])


@pytest.mark.parametrize(("path", "method", "status"), EVERY_END)
async def test_a_refusal_stands_in_the_place_of_every_answer(
    handlers: Handlers, records: list[RequestRecord], path: str, method: str, status: int
) -> None:
    client = await Client().ask(served(Counts(REFUSAL).released(), handlers), path, method)
    assert client.status == 429
    assert client.headers["retry-after"] == "3"
    assert client.headers["retry-after-ms"] == "2500"
    assert client.headers["x-request-id"] == records[0].request_id
    assert client.headers["content-type"] == "application/json"
    assert "allow" not in client.headers
    if method != "HEAD":
        assert client.error == {
            "message": "enough",
            "type": "rate_limit_error",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    assert (records[0].status, records[0].error, len(records)) == (429, "rate_limit_exceeded", 1)


@pytest.mark.parametrize(("path", "method", "status"), EVERY_END)
async def test_what_cannot_be_counted_is_not_answered(
    handlers: Handlers, path: str, method: str, status: int
) -> None:
    busy = OverloadedError("busy", retry_after=1)
    client = await Client().ask(served(Counts(busy).released(), handlers), path, method)
    assert (client.status, client.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize("path", ["/whole", "/unauthorized", "/nowhere"])
async def test_a_fault_of_the_check_is_logged_and_tells_nothing_of_itself(
    handlers: Handlers, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    counts = Counts(KeyError("secret")).released()
    with caplog.at_level("ERROR", logger="sluice"):
        client = await Client().ask(served(counts, handlers), path)
    assert (client.status, client.error["type"]) == (500, "server_error")
    assert b"secret" not in client.body
    assert [record.message for record in caplog.records].count("the check of an address failed") == 1


async def test_the_check_begins_before_the_body_is_there(handlers: Handlers) -> None:
    counts = Counts()

    class Slow(Client):
        async def receive(self) -> Message:
            await counts.began.wait()
            return await super().receive()

    asking = asyncio.create_task(Slow().ask(served(counts, handlers), "/whole"))
    await handlers.began.wait()
    counts.release.set()
    assert (await asking).status == 200


async def test_a_handler_may_ask_and_ends_where_it_asked(handlers: Handlers) -> None:
    assert (await Client().ask(served(Counts().released(), handlers), "/careful")).status == 200
    assert handlers.asked == "allowed"
    assert (await Client().ask(served(Counts(REFUSAL).released(), handlers), "/careful")).status == 429
    assert handlers.asked == "RateLimitError"


@pytest.mark.parametrize("path", ["/waiting", "/careful"])
async def test_a_client_that_leaves_counts_all_the_same(
    handlers: Handlers, records: list[RequestRecord], path: str
) -> None:
    counts, client = Counts(), Client()
    asking = asyncio.create_task(client.ask(served(counts, handlers), path))
    await handlers.began.wait()
    client.gone.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not asking.done()
    counts.release.set()
    await asking
    assert (counts.ended, client.sent, records[0].status) == ("done", [], 499)


@pytest.mark.parametrize("path", ["/waiting", "/careful", "/nowhere", "/unauthorized"])
async def test_a_request_that_is_cancelled_ends_at_once_and_its_check_with_it(
    handlers: Handlers, records: list[RequestRecord], path: str
) -> None:
    counts, client = Counts(), Client()
    asking = asyncio.create_task(client.ask(served(counts, handlers), path))
    await counts.began.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (counts.ended, client.sent, len(records)) == ("cancelled", [], 1)


async def test_a_client_that_left_does_not_keep_a_request_that_is_cancelled(handlers: Handlers) -> None:
    counts, client = Counts(), Client()
    asking = asyncio.create_task(client.ask(served(counts, handlers), "/waiting"))
    await handlers.began.wait()
    client.gone.set()
    for _ in range(20):
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert counts.ended == "cancelled"


@pytest.mark.parametrize(
    ("scope", "client"),
    [
        ({"client": ("192.0.2.9", 50_000)}, "192.0.2.9"),
        ({"client": ["2001:db8::7", 0]}, "2001:db8::/64"),
        ({"client": None}, "unknown"),
        ({"client": (None, 0)}, "unknown"),
        ({}, "unknown"),
    ],
)
async def test_the_address_is_the_servers_and_no_headers(
    handlers: Handlers, scope: dict[str, Any], client: str
) -> None:
    counts = Counts().released()
    names = (b"x-forwarded-for", b"forwarded", b"x-real-ip")
    headers = [(name, b"198.51.100.1") for name in names]
    await Client().ask(served(counts, handlers), "/whole", **scope, headers=headers)
    assert counts.clients == [client]


async def test_parts_that_cannot_be_opened_are_a_fault_of_ours() -> None:
    def fail() -> str:
        raise KeyError("secret")

    broken = Application(
        {"/": get(Handlers().whole)},
        name="test",
        open_parts=fail,
        open_limiter=lambda _: None,
        cross_origin=lambda _: NO_PAGE,
    )
    for path in ("/", "/nowhere"):
        assert (await Client().ask(broken, path, "GET")).status == 500


async def test_a_deployment_without_a_limit_answers_at_once(handlers: Handlers) -> None:
    free = Application(
        {"/": get(handlers.whole)},
        name="test",
        open_parts=lambda: "",
        open_limiter=lambda _: None,
        cross_origin=lambda _: NO_PAGE,
    )
    assert (await Client().ask(free, "/", "GET")).status == 200

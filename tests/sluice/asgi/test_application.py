"""Whatever happens to a request, it ends in one reply of the contract and one line in the log."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asgi_application import LIMIT, app, echo
from asgi_client import Client, Message
from sluice.asgi import application
from sluice.asgi.application import Application, delete, get, post
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.exchange import Exchange
from sluice.errors import OverloadedError
from sluice.observability import RequestRecord
from sluice.wire.sse import Frame


async def overloaded(exchange: Exchange, _: str) -> None:
    raise OverloadedError("later", retry_after=2)


AFTERWARDS: list[str] = []


async def busy_afterwards(exchange: Exchange, _: str) -> None:
    async def work() -> None:
        AFTERWARDS.append("started" if exchange.started else "too early")

    exchange.afterwards.append(work)
    if await exchange.body(LIMIT) == b"fail":
        raise OverloadedError("later", retry_after=2)
    await exchange.send_json(200, b"{}")


async def broken(exchange: Exchange, _: str) -> None:
    raise KeyError("sk-secret")


async def broken_after_start(exchange: Exchange, _: str) -> None:
    async def frames() -> AsyncIterator[Frame]:
        yield Frame(b"data: 1\n\n")
        raise KeyError("sk-secret")

    await exchange.send_events(frames(), asyncio.get_running_loop().time() + 30)


@pytest.mark.parametrize(("body", "status"), [(b"well", 200), (b"fail", 503)])
async def test_what_is_left_to_do_is_done_once_the_client_has_its_reply(
    records: list[RequestRecord], body: bytes, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "log_request", lambda _: AFTERWARDS.append("logged"))
    AFTERWARDS.clear()
    client = await Client(body).ask(app(busy=busy_afterwards), path="/busy")
    assert client.status == status
    assert AFTERWARDS == ["logged", "started"]


async def test_a_handler_gets_body_headers_and_parts(records: list[RequestRecord]) -> None:
    client = await Client(b"he", b"llo").ask(app())
    assert json.loads(client.body) == {"parts": "parts", "body": "hello", "a": "1, 2"}
    assert client.headers["content-length"] == str(len(client.body))
    assert client.headers["x-request-id"] == records[0].request_id
    assert (records[0].status, records[0].path) == (200, "/")


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [
        ("/nowhere", "POST", 404, "not_found"),
        ("//", "POST", 404, "not_found"),
        ("/get/", "GET", 404, "not_found"),
        ("/", "GET", 405, "method_not_allowed"),
        ("/get", "POST", 405, "method_not_allowed"),
        ("/", "HEAD", 405, None),
        ("/nowhere", "OPTIONS", 404, "not_found"),
    ],
)
async def test_what_is_not_there_is_told_in_the_envelope(
    path: str, method: str, status: int, code: str | None
) -> None:
    client = await Client().ask(app(), path, method)
    assert client.status == status
    if code is None:
        assert client.body == b""
    else:
        assert client.error["code"] == code
        assert set(client.error) == {"message", "type", "param", "code"}
    assert client.headers["x-request-id"].startswith("req_")
    if status == 405:
        assert client.headers["allow"] == ("POST, OPTIONS" if path == "/" else "GET, HEAD, OPTIONS")


async def test_head_has_the_headers_of_get_and_no_body() -> None:
    whole, head = await Client().ask(app(), "/get", "GET"), await Client().ask(app(), "/get", "HEAD")
    assert head.body == b""
    assert head.headers["content-length"] == whole.headers["content-length"]


async def test_an_error_is_rendered_with_its_headers(records: list[RequestRecord]) -> None:
    client = await Client().ask(app(overloaded=overloaded), "/overloaded")
    assert (client.status, client.error["code"], client.headers["retry-after"]) == (503, "overloaded", "2")
    assert records[0].error == "overloaded"


async def test_a_fault_of_ours_tells_nothing_of_itself() -> None:
    client = await Client().ask(app(broken=broken), "/broken")
    assert (client.status, client.error["type"], client.error["code"]) == (500, "server_error", None)
    assert b"sk-secret" not in client.body


async def test_a_fault_after_the_start_breaks_the_reply_off(records: list[RequestRecord]) -> None:
    client = Client()
    with pytest.raises(KeyError):
        await client.ask(app(broken=broken_after_start), "/broken")
    assert client.sent[-1]["more_body"]
    assert len(records) == 1


@pytest.mark.parametrize("body", [[b"x" * (LIMIT + 1)], [b"x" * 5] * 6])
async def test_a_large_body_is_refused_after_it_was_read(body: list[bytes]) -> None:
    client = await Client(*body).ask(app())
    assert (client.status, client.error["code"]) == (413, "request_too_large")
    assert client.read == sum(map(len, body))


async def test_a_body_without_end_is_refused_too() -> None:
    class Endless(Client):
        async def receive(self) -> Message:
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b"x" * LIMIT, "more_body": True}

    client = await Endless().ask(app())
    assert (client.status, client.error["code"]) == (413, "request_too_large")


async def test_parts_live_from_start_to_end_of_the_lifespan() -> None:
    closed: list[str] = []

    async def close(parts: str) -> None:
        closed.append(parts)

    served = Application(
        {"/": post(echo)},
        name="test",
        open_parts=lambda: "parts",
        open_limiter=lambda _: None,
        cross_origin=lambda _: CrossOrigin(frozenset()),
        close_parts=close,
    )
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()
    life = asyncio.create_task(served({"type": "lifespan", "state": {}}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    assert closed == []
    await inbox.put({"type": "lifespan.shutdown"})
    assert (await outbox.get())["type"] == "lifespan.shutdown.complete"
    await life
    assert closed == ["parts"]


async def test_a_key_in_a_path_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="sluice"):
        await Client().ask(app(), "/sk-" + "a" * 48)
    assert "aaaa" not in str([record.__dict__ for record in caplog.records])


async def test_a_path_has_a_handler_for_each_of_its_methods(records: list[RequestRecord]) -> None:
    def says(word: str) -> Any:
        async def handle(exchange: Exchange, _: str) -> None:
            await exchange.send_json(200, word.encode())

        return handle

    both = get(says("got")) | post(says("posted")) | delete(says("deleted"))
    found = Application(
        {"/": both},
        name="test",
        open_parts=lambda: "parts",
        open_limiter=lambda _: None,
        cross_origin=lambda _: CrossOrigin(frozenset()),
    )
    assert found.methods == {"/": ("GET", "HEAD", "POST", "DELETE")}
    for method, body in (("GET", b"got"), ("HEAD", b""), ("POST", b"posted"), ("DELETE", b"deleted")):
        assert (await Client().ask(found, method=method)).body == body
    refused = await Client().ask(found, method="PUT")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, POST, DELETE, OPTIONS")


async def test_the_query_is_read_by_name(records: list[RequestRecord]) -> None:
    async def tell(exchange: Exchange, _: str) -> None:
        await exchange.send_json(200, json.dumps(exchange.query("a", "b")).encode())

    async def asked(query: bytes) -> Client:
        return await Client().ask(app(tell=tell), path="/tell", query_string=query)

    for query, found in (
        (b"", {}),
        (b"a=1&c=2&c=3", {"a": "1"}),
        (b"a=&b=x%20y+z", {"a": "", "b": "x y z"}),
        (b"a", {"a": ""}),
        (b"b=%ff%C3%A4\xff", {"b": "\ufffd\u00e4\u00ff"}),
    ):
        assert json.loads((await asked(query)).body) == found
    twice = await asked(b"a=1&a=1")
    assert (twice.status, twice.error["param"]) == (400, "a")


async def test_a_secret_in_a_path_is_not_logged(records: list[RequestRecord]) -> None:
    found = Application(
        {"/jobs/{id}/{secret}": post(echo)},
        name="test",
        open_parts=lambda: "parts",
        open_limiter=lambda _: None,
        cross_origin=lambda _: CrossOrigin(frozenset()),
    )
    for method in ("POST", "GET"):
        await Client().ask(found, path="/jobs/j/s3cret", method=method)
    assert {record.path for record in records} == {"/jobs/j/…"}


async def test_a_path_is_told_as_the_client_knows_it(records: list[RequestRecord]) -> None:
    async def tell(exchange: Exchange, _: str) -> None:
        await exchange.send_json(200, exchange.address.encode())

    events: tuple[tuple[dict[str, Any], bytes], ...] = (
        ({}, b"/tell"),
        ({"requestContext": {}}, b"/tell"),
        ({"requestContext": {"path": "/prod/tell"}}, b"/prod/tell"),
        ({"requestContext": {"path": "/other"}}, b"/tell"),
    )
    for event, address in events:
        scope: dict[str, Any] = {"aws.event": event}
        client = await Client().ask(app(tell=tell), path="/tell", **scope)
        assert client.body == address


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate", "identity, gzip", "zstd", "nonsense"])
async def test_a_packed_body_is_refused_and_not_unpacked(encoding: str) -> None:
    headers = [(b"content-encoding", encoding.encode())]
    client = await Client(b"he", b"llo").ask(app(), headers=headers)
    assert (client.status, client.error["code"]) == (415, "unsupported_encoding")
    assert client.read == 5, "a client that still sends does not see the answer"


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
async def test_a_body_as_it_is_may_say_so(encoding: str) -> None:
    client = await Client(b"hello").ask(app(), headers=[(b"content-encoding", encoding.encode())])
    assert client.status == 200


async def test_a_body_that_nobody_wants_to_read_may_be_packed() -> None:
    async def skipping(exchange: Exchange, _: str) -> None:
        await exchange.skip_body(LIMIT)
        await exchange.send_empty(204, {})

    packed = [(b"content-encoding", b"gzip")]
    assert (await Client(b"hello").ask(app(skip=skipping), "/skip", headers=packed)).status == 204
    assert (await Client(b"h" * (LIMIT + 1)).ask(app(skip=skipping), "/skip", headers=packed)).status == 413


@pytest.mark.parametrize("written", ["/outer%2fget", "/outer%2Fget"])
@pytest.mark.parametrize("deployed", [False, True])
async def test_a_slash_within_a_segment_leads_nowhere(written: str, deployed: bool) -> None:
    """What stands in front sees the path as it is written, where this is another one."""
    scope: dict[str, Any] = {"raw_path": written.encode()}
    if deployed:
        scope = {"raw_path": None, "aws.event": {"path": written, "requestContext": {}}}
    found = Application(
        {"/outer/get": get(echo), "/all/{id:path}": get(echo)},
        name="test",
        open_parts=lambda: "parts",
        open_limiter=lambda _: None,
        cross_origin=lambda _: CrossOrigin(frozenset()),
    )
    client = await Client().ask(found, "/outer/get", "GET", **scope)
    assert (client.status, client.error["code"]) == (404, "not_found")
    assert (await Client().ask(found, "/outer/get", "GET", raw_path=b"/outer/get")).status == 200
    for written, status in (("/all/a%2fb", 200), ("/all%2fa%2fb", 404), ("/all%2Fa/b", 404)):
        event = {"aws.event": {"path": written, "requestContext": {}}} if deployed else {}
        scope = {"raw_path": None if deployed else written.encode(), **event}
        assert (await Client().ask(found, "/all/a/b", "GET", **scope)).status == status

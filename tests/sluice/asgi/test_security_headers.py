"""Every reply, whatever it is, tells a browser what the table says, and no value of a header begins another line."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_client import Client
from sluice.asgi.application import Application, get, post
from sluice.asgi.caching import Cacheable
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.exchange import Exchange
from sluice.asgi.security_headers import SECURITY_HEADERS, TRANSPORT_SECURITY
from sluice.errors import OverloadedError
from sluice.wire.sse import Frame

KEPT = Cacheable(b"{}", "application/json", 60)
EVENT = {"path": "/", "requestContext": {}}
STRICT = "strict-transport-security"


async def whole(exchange: Exchange, _: str) -> None:
    await exchange.body(10)
    await exchange.send_json(200, b"{}")


async def stream(exchange: Exchange, _: str) -> None:
    async def frames() -> AsyncIterator[Frame]:
        yield Frame(b"data: [DONE]\n\n", last=True)

    await exchange.send_events(frames(), asyncio.get_running_loop().time() + 30)


async def refused(exchange: Exchange, _: str) -> None:
    raise OverloadedError("later", retry_after=2)


async def broken(exchange: Exchange, _: str) -> None:
    raise KeyError


async def led_elsewhere(exchange: Exchange, _: str) -> None:
    await exchange.send_empty(307, {"location": "https://files.example"})


async def cacheable(exchange: Exchange, _: str) -> None:
    await exchange.send_cacheable(KEPT)


async def told(exchange: Exchange, value: str) -> None:
    exchange.reply_headers["x-told"] = value
    await exchange.send_json(200, b"{}", {"x-also": value})


def app(parts: str = "") -> Application[str]:
    handlers = {"whole": whole, "stream": stream, "refused": refused, "broken": broken, "told": told}
    return Application(
        {
            **{f"/{name}": post(handle) for name, handle in handlers.items()},
            "/kept": get(cacheable),
            "/elsewhere": get(led_elsewhere),
        },
        name="test",
        open_parts=lambda: parts,
        open_limiter=lambda _: None,
        cross_origin=lambda _: CrossOrigin(frozenset()),
    )


REPLIES: list[tuple[str, str, int]] = [
    ("/whole", "POST", 200),
    ("/stream", "POST", 200),
    ("/refused", "POST", 503),
    ("/broken", "POST", 500),
    ("/elsewhere", "GET", 307),
    ("/whole", "DELETE", 405),
    ("/whole", "OPTIONS", 204),
    ("/nowhere", "GET", 404),
]


@pytest.mark.parametrize(("path", "method", "status"), REPLIES)
@pytest.mark.parametrize("deployed", [False, True])
async def test_every_reply_has_the_table(path: str, method: str, status: int, deployed: bool) -> None:
    scope: dict[str, Any] = {"aws.event": EVENT} if deployed else {}
    client = await Client().ask(app(), path, method, **scope)
    assert client.status == status
    assert SECURITY_HEADERS.items() <= client.headers.items()
    assert client.headers.get(STRICT) == (TRANSPORT_SECURITY[STRICT] if deployed else None)
    assert not {"server", "x-powered-by"} & client.headers.keys()


@pytest.mark.parametrize("known", [b"", KEPT.entity_tag.encode()])
async def test_what_may_be_kept_says_so_and_has_the_rest(known: bytes) -> None:
    client = await Client().ask(app(), "/kept", "GET", headers=[(b"if-none-match", known)])
    assert client.status == (304 if known else 200)
    assert client.headers["cache-control"] == "public, max-age=60"
    rest = {name: value for name, value in SECURITY_HEADERS.items() if name != "cache-control"}
    assert rest.items() <= client.headers.items()


async def test_a_client_that_claims_https_is_not_believed() -> None:
    client = await Client().ask(app(), "/whole", headers=[(b"x-forwarded-proto", b"https")], scheme="https")
    assert STRICT not in client.headers


@given(st.text())
def test_no_value_begins_another_line(value: str) -> None:
    """Names of models and providers are whatever providers list."""
    client = asyncio.run(Client().ask(app(value), "/told"))
    assert client.status == 200
    for line in client.headers["x-told"], client.headers["x-also"]:
        assert line.isascii()
        assert line.isprintable()
        assert line == value or not (value.isascii() and value.isprintable())


@pytest.mark.parametrize(
    "value", ["a\r\nset-cookie: b=c", "a\nb", "a\0b", "é", "\u2028", "\ud800", "\x7f", "\x9b1m"]
)
async def test_what_a_header_has_no_room_for_is_escaped(value: str) -> None:
    client = await Client().ask(app(value), "/told")
    assert client.status == 200
    assert client.headers["x-told"].isprintable()
    assert "set-cookie" not in client.headers

"""What a browser is told about pages of other origins."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asgi_client import Client
from sluice.asgi.application import Application, get, post
from sluice.asgi.cors import MAX_HEADERS, CrossOrigin
from sluice.asgi.exchange import Exchange
from sluice.config import AddressSettings
from sluice.errors import InvalidAPIKeyError
from sluice.wire.sse import Frame

PAGE = "https://app.example.com"
OTHER = "https://other.example.com"
SDK_HEADERS = "authorization,content-type,x-stainless-lang,x-stainless-retry-count"


async def whole(exchange: Exchange, _: str) -> None:
    await exchange.send_json(200, b"{}", {"cache-control": "no-store"})


async def stream(exchange: Exchange, _: str) -> None:
    async def frames() -> AsyncIterator[Frame]:
        yield Frame(b"data: [DONE]\n\n", last=True)

    await exchange.send_events(frames(), asyncio.get_running_loop().time() + 10)


async def refused(exchange: Exchange, _: str) -> None:
    raise InvalidAPIKeyError("no")


async def broken(exchange: Exchange, _: str) -> None:
    raise KeyError("x")


def served(*origins: str) -> Application[str]:
    settings = AddressSettings.from_environment(
        {"SLUICE_COUNTERS_TABLE": "none", "SLUICE_CORS_ORIGINS": ",".join(origins)}
    )
    return Application(
        {"/get": get(whole), "/stream": post(stream), "/refused": post(refused), "/broken": post(broken)},
        name="test",
        open_parts=lambda: "parts",
        open_limiter=lambda _: None,
        cross_origin=lambda _: CrossOrigin(settings.cors_origins),
    )


async def asked(
    app: Application[str], path: str, method: str, origin: str | None, *more: tuple[str, str]
) -> Client:
    headers = [("origin", origin)] if origin else []
    return await Client().ask(
        app,
        path,
        method,
        headers=[(name.encode(), value.encode("latin-1")) for name, value in (*headers, *more)],
    )


async def preflight(
    app: Application[str], path: str, origin: str, *names: str, method: str = "POST"
) -> Client:
    lines = [("access-control-request-headers", line) for line in names]
    return await asked(app, path, "OPTIONS", origin, ("access-control-request-method", method), *lines)


EVERY_REPLY = [
    ("/get", "GET", 200),
    ("/get", "HEAD", 200),
    ("/get", "OPTIONS", 204),
    ("/stream", "POST", 200),
    ("/refused", "POST", 401),
    ("/broken", "POST", 500),
    ("/get", "DELETE", 405),
    ("/nowhere", "GET", 404),
    ("/nowhere", "OPTIONS", 404),
]


@pytest.mark.parametrize(("path", "method", "status"), EVERY_REPLY)
async def test_every_reply_says_who_may_read_it(path: str, method: str, status: int) -> None:
    for origins, origin, allowed, vary in (
        (("*",), PAGE, "*", None),
        (("*",), None, "*", None),
        ((PAGE, OTHER), PAGE, PAGE, "Origin"),
        ((OTHER,), PAGE, None, "Origin"),
        ((OTHER,), None, None, "Origin"),
        ((OTHER,), OTHER.upper(), None, "Origin"),
        ((), PAGE, None, None),
    ):
        client = await asked(served(*origins), path, method, origin)
        assert client.status == status
        assert client.headers["x-request-id"]
        assert client.headers.get("access-control-allow-origin") == allowed
        assert client.headers.get("access-control-expose-headers") == ("*" if allowed else None)
        assert client.headers.get("vary") == vary
        assert "access-control-allow-credentials" not in client.headers


@pytest.mark.parametrize("origin", ["*", PAGE])
async def test_a_preflight_is_told_what_the_path_takes(origin: str) -> None:
    client = await preflight(served(origin), "/stream", PAGE, SDK_HEADERS)
    assert (client.status, client.body) == (204, b"")
    assert client.headers["access-control-allow-methods"] == "POST"
    assert client.headers["access-control-allow-headers"].split(", ") == SDK_HEADERS.split(",")
    assert client.headers["access-control-max-age"] == "7200"
    assert client.headers["allow"] == "POST, OPTIONS"
    assert not client.headers.keys() & {"content-length", "content-type"}
    reading = await preflight(served(origin), "/get", PAGE, method="GET")
    assert reading.headers["access-control-allow-methods"] == "GET, HEAD"
    assert "access-control-allow-headers" not in reading.headers


async def test_a_preflight_of_another_origin_is_told_nothing() -> None:
    client = await preflight(served(OTHER), "/stream", PAGE, SDK_HEADERS)
    assert (client.status, client.headers["allow"], client.headers["vary"]) == (
        204,
        "POST, OPTIONS",
        "Origin",
    )
    assert not any(name.startswith("access-control-") for name in client.headers)


@pytest.mark.parametrize("missing", ["origin", "access-control-request-method"])
async def test_options_that_are_no_preflight_are_told_the_methods(missing: str) -> None:
    both = {"origin": PAGE, "access-control-request-method": "POST"}
    headers = [(name, value) for name, value in both.items() if name != missing]
    client = await asked(served("*"), "/stream", "OPTIONS", None, *headers)
    assert (client.status, client.body, client.headers["allow"]) == (204, b"", "POST, OPTIONS")
    assert "access-control-allow-methods" not in client.headers


async def test_only_what_is_a_headers_name_is_given_back() -> None:
    lines = ["x-a, ,x b", "x\r\nset-cookie: a=b,x-é", "x" * 65, "x-c"]
    client = await preflight(served("*"), "/stream", PAGE, *lines)
    assert client.headers["access-control-allow-headers"] == "x-a, x-c"
    many = ",".join(f"x-{number}" for number in range(2 * MAX_HEADERS))
    bounded = await preflight(served("*"), "/stream", PAGE, many)
    assert bounded.headers["access-control-allow-headers"].count(",") == MAX_HEADERS - 1


async def test_parts_that_cannot_be_opened_are_a_500_without_a_word_about_pages() -> None:
    def fail() -> Any:
        raise OSError("no")

    app: Application[Any] = Application(
        {"/get": get(whole)},
        name="test",
        open_parts=fail,
        open_limiter=lambda _: None,
        cross_origin=lambda _: CrossOrigin(frozenset({"*"})),
    )
    client = await asked(app, "/get", "GET", PAGE)
    assert (client.status, client.error["type"]) == (500, "server_error")

"""Replies that a client has already are not sent again."""

import hashlib

import pytest

from asgi_client import Client
from sluice.asgi.application import Application, get
from sluice.asgi.caching import Cacheable
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.exchange import Exchange

PAGE = "https://app.example.com"
REPLY = Cacheable(b'{"object":"list"}', "application/json", 60)
TAG = f'"{hashlib.sha256(REPLY.body).hexdigest()}"'


async def send(exchange: Exchange, _: str) -> None:
    await exchange.send_cacheable(REPLY)


APP = Application(
    {"/": get(send)},
    name="test",
    open_parts=lambda: "parts",
    open_limiter=lambda _: None,
    cross_origin=lambda _: CrossOrigin(frozenset({PAGE})),
)


async def asked(*lines: str, method: str = "GET") -> Client:
    headers = [(b"origin", PAGE.encode())] + [(b"if-none-match", line.encode("latin-1")) for line in lines]
    return await Client().ask(APP, "/", method, headers=headers)


def test_the_tag_is_of_the_body_and_of_nothing_else() -> None:
    assert REPLY.entity_tag == TAG
    assert Cacheable(REPLY.body, "text/plain", 1).entity_tag == TAG
    assert Cacheable(REPLY.body + b" ", "application/json", 60).entity_tag != TAG


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_client_that_has_nothing_gets_it_with_its_tag(method: str) -> None:
    client = await asked(method=method)
    assert client.status == 200
    assert client.body == (REPLY.body if method == "GET" else b"")
    assert client.headers["etag"] == TAG
    assert client.headers["cache-control"] == "public, max-age=60"
    assert client.headers["content-type"] == "application/json"
    assert client.headers["content-length"] == str(len(REPLY.body))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "lines",
    [
        (TAG,),
        (f"W/{TAG}",),
        (f'"other", {TAG}',),
        (f'"with,a,comma",W/"other" ,\t{TAG}',),
        ('"other"', TAG),
        (f", {TAG} ,",),
        ("*",),
        (" * ",),
    ],
)
async def test_a_client_that_has_it_is_told_so(method: str, lines: tuple[str, ...]) -> None:
    client = await asked(*lines, method=method)
    assert (client.status, client.body) == (304, b"")
    assert client.headers["etag"] == TAG
    assert client.headers["cache-control"] == "public, max-age=60"
    assert client.headers["vary"] == "Origin"
    assert client.headers["access-control-allow-origin"] == PAGE
    assert client.headers["x-request-id"]
    assert not client.headers.keys() & {"content-length", "content-type"}


@pytest.mark.parametrize(
    "line",
    [
        '"other"',
        'W/"other"',
        TAG.strip('"'),
        TAG[:-1],
        f"w/{TAG}",
        f"x{TAG}",
        f'{TAG} "other"',
        f"*, {TAG}",
        "",
        '"é"',
    ],
)
async def test_a_client_that_has_another_one_or_says_nothing_sensible_gets_it(line: str) -> None:
    assert (await asked(line)).status == 200


def test_a_long_list_takes_no_long_time() -> None:
    assert not REPLY.is_known('"a",' * 20_000 + "x")
    assert not REPLY.is_known(", " * 20_000 + "x")

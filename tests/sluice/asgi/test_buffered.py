"""API Gateway's events through Mangum: what a client says of how it came here is neither believed nor in the way."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from proxy_events import HOSTILE_HEADERS, proxy_event
from sluice.asgi.application import Application, get, post
from sluice.asgi.buffered import buffered
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.exchange import Exchange

class Addresses:
    """Sees whose requests are counted."""

    def __init__(self) -> None:
        self.counted: list[str | None] = []

    async def admit(self, address: str | None) -> None:
        self.counted.append(address)


async def shown(exchange: Exchange, _: Addresses) -> None:
    body = await exchange.body(100)
    told = {"method": exchange.method, "body": body.decode(), "key": exchange.header("authorization")}
    await exchange.send_json(200, json.dumps(told).encode())


async def secret(exchange: Exchange, _: Addresses) -> None:
    await exchange.send_json(200, b'"secret"')


@pytest.fixture
def loop() -> Iterator[None]:
    """Mangum runs on the thread's own."""
    found = asyncio.new_event_loop()
    asyncio.set_event_loop(found)
    yield
    asyncio.set_event_loop(None)
    found.close()


def ask(addresses: Addresses, **members: Any) -> dict[str, Any]:
    limiter: Any = addresses
    app = Application(
        {"/shown": post(shown), "/secret": get(secret)},
        name="test",
        open_parts=lambda: addresses,
        open_limiter=lambda _: limiter,
        cross_origin=lambda _: CrossOrigin(frozenset()),
    )
    reply: dict[str, Any] = buffered(app)(proxy_event("/shown", **members), None)  # type: ignore[arg-type] # asked by nobody
    return reply


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize("lines", HOSTILE_HEADERS, ids=lambda lines: next(iter(lines)) or "empty")
def test_nothing_that_a_client_says_of_its_way_counts(lines: dict[str, list[str]]) -> None:
    addresses = Addresses()
    several = {"Authorization": ["Bearer sk-a"], **lines}
    single = {name: values[-1] for name, values in several.items()}
    reply = ask(addresses, headers=single, multiValueHeaders=several, body="hello")
    assert reply["statusCode"] == 200, reply["body"]
    assert json.loads(reply["body"]) == {"method": "POST", "body": "hello", "key": "Bearer sk-a"}
    assert addresses.counted == ["192.0.2.7"]


@pytest.mark.usefixtures("loop")
def test_of_two_keys_none_is_taken_for_the_key() -> None:
    """The event's one value is the last line, and all lines are in the other member: that one counts."""
    reply = ask(
        Addresses(),
        headers={"Authorization": "Bearer sk-b"},
        multiValueHeaders={"Authorization": ["Bearer sk-a", "Bearer sk-b"]},
    )
    assert json.loads(reply["body"])["key"] == "Bearer sk-a, Bearer sk-b"


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize("members", [{"headers": None, "multiValueHeaders": None}, {"headers": {}}])
def test_an_event_without_headers(members: dict[str, Any]) -> None:
    assert ask(Addresses(), **members)["statusCode"] == 200

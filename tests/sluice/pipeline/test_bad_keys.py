"""Keys that do not count, by what they cost and by what is answered: nobody can tell one kind from another."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from asgi_client import Client
from fake_upstream import FakeUpstream
from key_records import FakeKeys, key_record
from path_world import World
from sluice.asgi.answering import answer
from sluice.asgi.application import Application, post
from sluice.asgi.cors import CrossOrigin
from sluice.keys import new_secret
from sluice.pipeline.chat import Chat

SECRET = new_secret("key")
LONG_AGO = int(time.time()) - 1_000
BUDGETED = {"budget_nano_usd": 1, "budget_period": "lifetime", "rpm": 1}

RECORDS: dict[str, Mapping[str, Any] | None] = {
    "unknown": None,
    "revoked": {"active": False},
    "expired": {"expires_at": LONG_AGO},
    "revoked and expired": {"active": False, "expires_at": LONG_AGO},
    "revoked, with limits": {"active": False, **BUDGETED},
    "expired, for one model": {"expires_at": LONG_AGO, "models": ("one",)},
}
"""Of a key that was sent as it was made; None where there is none."""

IMPOSSIBLE: dict[str, str | None] = {
    "none": None,
    "another beginning": f"Bearer agent_{'a' * 48}",
    "no scheme": SECRET,
    "too long": f"Bearer sk-{'a' * 300}",
}
"""What no key looks like, as the documentation says."""


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Door:
    """The chat function over tables in memory."""

    def __init__(self, *records: Any, seconds: float = 60) -> None:
        self.world = World(FakeUpstream())
        self.keys = FakeKeys(*records)
        self.clock = Clock()
        cache = self.keys.cache(seconds=seconds, clock=self.clock)
        gateway = replace(self.world.gateway, keys=cache)

        self.app = Application(
            {"/v1/chat/completions": post(partial(answer, endpoint=Chat()))},
            name="test",
            open_parts=lambda: gateway,
            open_limiter=lambda _: None,
            cross_origin=lambda _: CrossOrigin(frozenset()),
        )

    async def ask(self, authorization: str | None) -> tuple[int, Any, bytes]:
        """Status, headers and body of the reply, all but the request's id."""
        headers = [] if authorization is None else [(b"authorization", authorization.encode())]
        body = json.dumps({"model": "one", "messages": [{"role": "user", "content": "Hello"}]}).encode()
        client = await Client(body).ask(self.app, "/v1/chat/completions", headers=headers)
        fields = [line for line in client.sent[0]["headers"] if line[0] != b"x-request-id"]
        return client.status, fields, client.body


def door(members: Mapping[str, Any] | None) -> Door:
    return Door() if members is None else Door(key_record(SECRET, **members))


async def reference() -> tuple[int, Any, bytes]:
    return await Door().ask(f"Bearer {new_secret('key')}")


@pytest.mark.parametrize("kind", RECORDS)
async def test_every_key_that_could_be_one_costs_one_read_and_gets_the_same_bytes(kind: str) -> None:
    found = door(RECORDS[kind])
    assert await found.ask(f"Bearer {SECRET}") == await reference()
    assert len(found.keys.asked) == 1
    assert found.world.dynamodb.calls == []
    assert found.world.upstream.requests == []


@pytest.mark.parametrize("kind", RECORDS)
async def test_it_is_remembered_as_long_as_any_other(kind: str) -> None:
    found = door(RECORDS[kind])
    reads = []
    for found.clock.now in (0.0, 4.9, 5.0, 9.9, 10.0, 61.0):
        await found.ask(f"Bearer {SECRET}")
        reads.append(len(found.keys.asked))
    assert reads == [1, 1, 2, 2, 3, 4]


@pytest.mark.parametrize("kind", IMPOSSIBLE)
async def test_what_is_no_key_costs_nothing_and_gets_the_same_bytes(kind: str) -> None:
    found = Door(key_record(SECRET))
    assert await found.ask(IMPOSSIBLE[kind]) == await reference()
    assert found.keys.asked == []
    assert found.world.dynamodb.calls == []


@pytest.mark.parametrize("right", [0, 1, 24, 47])
async def test_how_much_of_a_key_is_right_makes_no_difference(right: int) -> None:
    """A digest is looked up, which a part of the key tells nothing of."""
    wrong = SECRET[: 3 + right] + "".join("a" if each != "a" else "b" for each in SECRET[3 + right :])
    found = Door(key_record(SECRET))
    assert await found.ask(f"Bearer {wrong}") == await reference()
    (asked,) = found.keys.asked
    assert asked not in found.keys.records

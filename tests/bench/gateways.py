"""Gateways whose calls of DynamoDB are counted: the chat function as it is deployed, over an engine's tables.

Only what lies outside is made up: the client, the provider and the time. Time stands still until a case moves it, so
that no slot of a window begins by chance. A key has been used all day, which is when its counter is largest.
"""

import asyncio
import importlib.util
import json
import time
import tomllib
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

from tests.bench import provider
from tests.bench.capacity import MeteredClient, Trace, reached, traced
from tests.bench.site import ROOT
from tests.bench.warm import CATALOG

from asgi_client import Client, Message
from fake_dynamodb import aws_with
from fake_upstream import Response
from key_records import key_record
from made_settings import TABLES, made_settings
from sluice.accounting.windows import DAY, MINUTE
from sluice.asgi.application import Application
from sluice.asgi.cors import CrossOrigin
from sluice.catalog import Catalog
from sluice.keys import new_secret
from sluice.pipeline.address_limit import open_address_limiter
from sluice.pipeline.gateway import Gateway
from sluice.providers.contract import UpstreamRequest
from sluice.stores.aws import AWS, Item
from sluice.stores.counters import LEAD
from sluice.stores.keys import KeyStore
from sluice.upstream.client import UpstreamResponse

PATH = "/v1/chat/completions"
LIMITS: Mapping[str, Any] = {
    "rpm": 100_000,
    "tpm": 10**9,
    "tpd": 10**10,
    "budget_nano_usd": 10**15,
    "budget_period": "monthly",
}
"""Every limit there is, and room enough in each."""


class Clock:
    """The time, in epoch seconds: that of a day's first slot, until it is moved."""

    def __init__(self) -> None:
        self.now = float(DAY.slot_at(time.time()) * DAY.slot_seconds)

    def __call__(self) -> float:
        return self.now


@contextmanager
def standing_clock() -> Iterator[Clock]:
    """Have the gateway's time stand still; the event loop has a clock of its own."""
    clock = Clock()
    with patch.object(time, "time", clock):
        yield clock


class Provider:
    """A provider that answers at once, or once its gate is open, always the same."""

    def __init__(self) -> None:
        self.status = 200
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Semaphore(0)

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        """As ``Upstream.send``."""
        reached("during")
        self.arrived.release()
        await self.gate.wait()
        if json.loads(request.body).get("stream"):
            yield Response(self.status, "text/event-stream", tuple(provider.frames()))
        else:
            yield Response(self.status, "application/json", (provider.completion(),))

    async def close(self) -> None:
        """Nothing to close."""


class TracedClient(Client):
    """A client whose request is over for it with the last byte."""

    async def send(self, message: Message) -> None:
        """As ASGI's."""
        await super().send(message)
        if self.finished.is_set():
            reached("after")


class Environment:
    """One environment of the chat function: what it remembers is its own."""

    def __init__(self, world: "World", **settings: Any) -> None:
        made = made_settings(**{"key_cache_seconds": 3600, "ip_rpm": 0} | settings)
        gateway = Gateway.assemble(made, world.catalog, world.metered, world.provider)
        self._world = world
        self._app = Application(
            {PATH: chat_operation()},
            name="test",
            open_parts=lambda: gateway,
            open_limiter=lambda gateway: open_address_limiter(gateway.settings, gateway.aws),
            cross_origin=lambda gateway: CrossOrigin(gateway.settings.cors_origins),
        )

    async def ask(
        self,
        status: int = 200,
        *,
        secret: str | None = None,
        idempotency_key: str | None = None,
        **members: Any,
    ) -> Trace:
        """Make one request, and see that it is answered so.

        Args:
            status: of the reply.
            secret: another one than the world's key has.
            idempotency_key: the header's value.
            members: of the body, beside those of a short conversation.
        """
        message = {"role": "user", "content": provider.TEXT}
        body = {"model": "bench", "messages": [message], "max_tokens": 64, **members}
        headers = [(b"authorization", f"Bearer {secret or self._world.secret}".encode())]
        if idempotency_key is not None:
            headers.append((b"idempotency-key", idempotency_key.encode()))
        client = TracedClient(json.dumps(body).encode())
        with traced() as trace:
            await client.ask(self._app, PATH, headers=headers, client=(self._world.address, 1))
        assert client.status == status, client.body
        return trace


class World:
    """A key, its provider and the time.

    Args:
        aws: the way to an engine's tables.
        clock: the time.
        limits: of the key, in the place of ``LIMITS``.
    """

    def __init__(self, aws: AWS, clock: Clock, **limits: Any) -> None:
        self.aws = aws
        self.metered = aws_with(MeteredClient(aws.dynamodb))
        self.clock = clock
        self.provider = Provider()
        self.catalog = Catalog.model_validate(tomllib.loads(CATALOG.format(url="http://127.0.0.1:1")))
        self.secret = new_secret("key")
        name = uuid.uuid4().hex
        self.key = key_record(self.secret, id=f"key_{name}", **{**LIMITS, **limits})
        self.address = f"2001:db8:{name[:4]}:{name[4:8]}::1"

    async def begin(self) -> None:
        """Put the key into its table."""
        await KeyStore(self.aws, TABLES["keys_table"]).put_new(self.key)

    async def warm(self, **settings: Any) -> Environment:
        """An environment that has served the key all day."""
        environment = Environment(self, **settings)
        for _ in range(DAY.earlier_slots):
            await environment.ask()
            self.clock.now += DAY.slot_seconds
        for _ in range(MINUTE.earlier_slots):
            await environment.ask()
            self.clock.now += MINUTE.slot_seconds
        await environment.ask()
        return environment

    async def counter(self) -> Item:
        """The key's counter, as DynamoDB has it."""
        found = await self.aws.dynamodb.call(
            "GetItem",
            TableName=TABLES["counters_table"],
            Key={"id": {"S": LEAD + self.key.id}},
            ConsistentRead=True,
        )
        item: Item = found["Item"]
        return item


@asynccontextmanager
async def in_flight(
    world: World, environment: Environment, count: int
) -> AsyncIterator[asyncio.Future[list[Trace]]]:
    """Have so many requests wait for the provider while the context lasts; what they give back is what they consumed."""
    world.provider.gate, world.provider.arrived = asyncio.Event(), asyncio.Semaphore(0)
    asking = asyncio.gather(*(environment.ask() for _ in range(count)))
    for _ in range(count):
        await world.provider.arrived.acquire()
    try:
        yield asking
    finally:
        world.provider.gate.set()
        await asking


def chat_operation() -> Any:
    """What the deployed function does."""
    spec = importlib.util.spec_from_file_location("chat_app", ROOT / "functions/chat/app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CHAT

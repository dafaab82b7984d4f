"""A gateway whose tables and provider are in memory, for what becomes of a request on its path from top to bottom."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from fake_dynamodb import FakeClient, FakeDynamoDB
from fake_upstream import FakeUpstream
from key_records import FakeKeys, key_record
from made_settings import made_settings
from sluice.accounting.counter import Counter
from sluice.catalog import Catalog
from sluice.keys import new_secret
from sluice.observability import RequestRecord
from sluice.pipeline.chat import Chat
from sluice.pipeline.endpoint import Endpoint
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.path import Call, answered
from sluice.pipeline.reply import StreamedReply, WholeReply
from sluice.pipeline.routing import Routing
from sluice.stores.circuits import CIRCUITS, CircuitStore
from sluice.stores.counters import counter_of
from sluice.stores.keys import KeyRecord
from sluice.stores.ledger_rows import LedgerRow, row_of

NOW = 1_795_219_200.0
SECRET = new_secret("key")
CATALOG = Catalog.model_validate(
    {
        "providers": {"far": {"kind": "openai", "base_url": "http://127.0.0.1:1"}},
        "models": [
            {
                "id": "one",
                "aliases": ["uno"],
                "candidates": [{"provider": "far", "model": "up"}],
                "output_tokens": 1000,
                "price": {"input": "1", "cached_input": "0.5", "cache_write": "1.25", "output": "2"},
            },
            {"id": "old-one", "retired": "2026-06-01", "successor": "one"},
            {"id": "unpriced", "candidates": [{"provider": "far", "model": "up"}]},
            {
                "id": "writer",
                "kind": "completion",
                "candidates": [{"provider": "far", "model": "up"}],
                "price": {"input": "1", "output": "2"},
            },
            {
                "id": "vectors",
                "kind": "embedding",
                "candidates": [{"provider": "far", "model": "up"}],
                "price": {"input": "1"},
            },
            {
                "id": "unpriced-vectors",
                "kind": "embedding",
                "candidates": [{"provider": "far", "model": "up"}],
            },
        ],
    }
)


class World:
    """A gateway with a key, tables and a provider of the test's own.

    Args:
        upstream: the provider.
        record: the key's; by default one without limits.
        catalog: in the place of ``CATALOG``.
        settings: in the place of the usual ones. Nothing is asked again unless ``retries`` says so.
    """

    def __init__(
        self,
        upstream: FakeUpstream,
        record: KeyRecord | None = None,
        catalog: Catalog = CATALOG,
        **settings: Any,
    ) -> None:
        self.key = record or key_record(SECRET)
        self.tables = FakeDynamoDB()
        self.dynamodb = FakeClient(self.tables)
        self.upstream = upstream
        self.record = RequestRecord("req_1", "POST", "/v1/chat/completions")
        self.headers: dict[str, str] = {}
        """The reply's."""
        self.afterwards: list[Callable[[], Awaitable[None]]] = []
        self._requests = 1
        self.chance = 0.0
        """What every draw gives."""
        self.now = NOW
        """What circuits take for the time."""
        self.settings = made_settings(**{"retries": 0, **settings})
        self.catalog = catalog
        self.gateway = self.environment()

    def environment(self) -> Gateway:
        """Another environment over the same tables and providers."""
        made = Gateway.assemble(self.settings, self.catalog, self.dynamodb.aws, self.upstream)
        store = CircuitStore(self.dynamodb.aws, self.settings.models_table)
        routing = Routing.open(self.settings, store, clock=lambda: self.now, chance=lambda: self.chance)
        return replace(made, keys=FakeKeys(self.key).cache(), routing=routing)

    @property
    def ledger(self) -> list[LedgerRow]:
        """All rows."""
        return [row_of(item) for item in self.tables.tables["LedgerTable"].values()]

    @property
    def counter(self) -> Counter:
        """The key's."""
        (item,) = self.tables.tables["CountersTable"].values()
        return counter_of(item)

    @property
    def health(self) -> dict[str, tuple[str, int]]:
        """What the models table has of models: status and streak."""
        items = self.tables.tables["ModelsTable"]
        return {
            name: (item["status"]["S"], int(item["streak"]["N"]))
            for (name,), item in items.items()
            if name != CIRCUITS
        }

    @property
    def circuits(self) -> dict[str, int]:
        """What the models table has of circuits: until when they are open."""
        item = self.tables.tables["ModelsTable"].get((CIRCUITS,), {})
        return {leg: int(value["N"]) for leg, value in item.items() if leg != "id"}

    def begin(self) -> None:
        """The next request is another one."""
        self._requests += 1
        self.record = RequestRecord(f"req_{self._requests}", "POST", "/v1/chat/completions")
        self.headers = {}

    async def do_afterwards(self) -> None:
        """What is done once the client has its reply."""
        for work in self.afterwards:
            await work()
        self.afterwards.clear()

    async def ask(
        self,
        body: Any,
        *,
        authorization: str | None = f"Bearer {SECRET}",
        endpoint: Endpoint[Any, Any] | None = None,
        providers: str | None = None,
        gateway: Gateway | None = None,
    ) -> Any:
        """The reply to a body: JSON, or the bytes of a stream."""
        settled = len(self.ledger)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        call = Call(
            authorization,
            raw,
            self.record,
            self.headers,
            afterwards=self.afterwards.append,
            providers=providers,
        )
        async with answered(gateway or self.gateway, call, endpoint or Chat()) as reply:
            assert len(self.ledger) == settled  # the client does not wait for it
            match reply:
                case WholeReply(body=data):
                    return json.loads(data)
                case StreamedReply(frames):
                    return b"".join([frame.data async for frame in frames])

    @property
    def sent(self) -> Any:
        """The body that the provider got first."""
        return json.loads(self.upstream.requests[0].body)

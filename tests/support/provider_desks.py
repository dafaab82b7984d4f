"""Providers that answer as a test says, and a desk that asks them."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fake_dynamodb import FakeClient, FakeDynamoDB
from fake_upstream import Part, Response
from sluice.catalog import Catalog
from sluice.credentials import Credential
from sluice.errors import UpstreamError
from sluice.pipeline.provider_desk import ProviderDesk
from sluice.providers.contract import UpstreamRequest
from sluice.stores.model_items import StoredModel
from sluice.stores.models import ModelStore
from sluice.upstream.client import UpstreamResponse

TABLE = "ModelsTable"
CREDENTIAL = "secret"
"""Of each provider that is set up."""

type Answer = Response | Exception
"""What a provider answers, or why it does not."""

BROKEN = UpstreamError("The connection to the provider broke.")

FILED: list[dict[str, Any]] = [
    {"id": "filed", "aliases": ["taken"], "candidates": [{"provider": "far", "model": "up"}]}
]
"""A catalogue file's models."""


def answer(body: object, status: int = 200) -> Answer:
    """A JSON body."""
    return Response(status, "application/json", (json.dumps(body).encode(),))


def hangs() -> Answer:
    """A head, and no body ever."""
    parts: tuple[Part, ...] = (None,)
    return Response(200, "application/json", parts)


def models(*names: str, **members: Any) -> Answer:
    """A list of models; each has the members."""
    return answer({"object": "list", "data": [{"id": name, **members} for name in names]})


def place(model: StoredModel) -> tuple[str, str]:
    """Who lists a model, and its id there."""
    (candidate,) = model.found["candidates"]
    return candidate["provider"], candidate["model"]


@dataclass
class Providers:
    """Answers requests by the host in their address, the last answer again and again."""

    answers: Mapping[str, Callable[[UpstreamRequest], Answer] | list[Answer]]
    requests: list[UpstreamRequest] = field(default_factory=list)

    def asked(self, host: str) -> list[UpstreamRequest]:
        """The requests that a provider got."""
        return [request for request in self.requests if f"//{host}/" in request.url]

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        """See ``Upstream.send``."""
        host = request.url.split("/")[2]
        found = self.answers[host]
        number = len(self.asked(host))
        self.requests.append(request)
        match found:
            case list():
                made = found[min(number, len(found) - 1)]
            case _:
                made = found(request)
        if isinstance(made, Exception):
            raise made
        yield made

    async def close(self) -> None:
        """Nothing to close."""


@dataclass
class Credentials:
    """Credentials in memory."""

    known: Mapping[str, str]

    async def get(self, name: str) -> Credential | None:
        """The credential of that name."""
        return self.known.get(name)


class Desk:
    """A desk over a table in memory.

    Args:
        providers: their rows, without what is the same for all: a kind, an address and a credential.
        models: the catalogue file's.
        answers: what each provider answers; one that is not here has no credential.
    """

    def __init__(
        self,
        providers: Mapping[str, Mapping[str, Any]],
        models: Sequence[Mapping[str, Any]],
        answers: Mapping[str, Callable[[UpstreamRequest], Answer] | list[Answer]],
    ) -> None:
        rows = {
            name: {"kind": "openai", "base_url": f"https://{name}/v1", "credential": f"{name}_key"}
            | dict(row)
            for name, row in providers.items()
        }
        self.catalog = Catalog.model_validate({"providers": rows, "models": models})
        self.providers = Providers(answers)
        self.dynamodb = FakeClient(FakeDynamoDB())
        self.store = ModelStore(self.dynamodb.aws, TABLE)
        self.desk = ProviderDesk(
            self.catalog,
            self.store,
            Credentials({f"{name}_key": CREDENTIAL for name in answers}),
            self.providers,
        )

    @property
    def writes(self) -> list[str]:
        """The calls that changed the table, or tried to, since these were last forgotten."""
        return [call for call in self.dynamodb.calls if call != "Scan"]

    def forget_calls(self) -> None:
        """Begin anew with what was called and asked."""
        self.dynamodb.calls.clear()
        self.providers.requests.clear()

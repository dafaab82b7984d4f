"""A provider and search engines without a network."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from fake_upstream import FakeUpstream, Part, Response
from sluice.catalog_search import SearchRow
from sluice.providers.contract import UpstreamRequest
from sluice.upstream.client import UpstreamResponse

HOST = "engines.example"


def engine(kind: str, price: str | None = "0.001", **members: Any) -> SearchRow:
    """The catalogue's row of an engine here; its name there is its kind."""
    row = {"kind": kind, "base_url": f"https://{HOST}/{kind}", **members}
    return SearchRow.model_validate(row | ({"price": price} if price is not None else {}))


def found(*names: str, text: str = "What is known of it.") -> bytes:
    """A reply of SearXNG's and Tavily's with such pages."""
    rows = [
        {"url": f"https://{name}.example/", "title": f"Page {name}", "content": text, "score": 1}
        for name in names
    ]
    return json.dumps({"query": "q", "results": rows}).encode()


class SearchedUpstream(FakeUpstream):
    """Answers engines by their names, and anything else as the provider.

    Attributes:
        engines: the body of each one's reply, or its status, or None for one that never answers.
        searches: the requests that engines got.
        failures: how many requests the provider fails before it answers.
    """

    def __init__(self, *parts: Part, status: int = 200, content_type: str = "text/event-stream") -> None:
        super().__init__(*parts, status=status, content_type=content_type)
        self.engines: dict[str, bytes | int | None] = {}
        self.searches: list[UpstreamRequest] = []
        self.failures = 0
        self.both_asked = asyncio.Event()
        """Set with the second request to an engine."""

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        address = urlsplit(request.url)
        if address.hostname != HOST and self.failures:
            self.failures -= 1
            self.requests.append(request)
            yield Response(500, "text/html", (b"<h1>no</h1>",))
            return
        if address.hostname != HOST:
            async with super().send(request) as response:
                yield response
            return
        self.searches.append(request)
        if len(self.searches) == 2:
            self.both_asked.set()
        match self.engines[address.path.split("/")[1]]:
            case bytes() as body:
                yield Response(200, "application/json", (body,))
            case int() as status:
                yield Response(status, "text/html", (b"<h1>no</h1>",))
            case None:
                await asyncio.Event().wait()

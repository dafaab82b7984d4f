"""Search engines over a real socket, each in its own wire format, with faults on demand.

One server has all engines, each under a path of its name. What a query says decides what comes: ``brave=busy`` in it has
Brave answer 429, ``all=hang`` has all of them hang. A request that an engine would refuse is refused.
"""

import asyncio
import html
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, override
from urllib.parse import parse_qs, quote, urlsplit

from mock_http import Exchange, Received
from mock_provider import GUARD_SECONDS, MockProvider

SECRETS = {
    "BRAVE_API_KEY": "BSA-mock-brave-9f2c7f0d51e8",
    "TAVILY_API_KEY": "tvly-mock-tavily-9f2c7f0d51e8",
    "GOOGLE_SEARCH_API_KEY": "mock-google-9f2c7f0d51e84a6bb3c1",
}
ENGINE_ID = "017576662512468239146:omuauf_lfve"

HUGE = 3 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the web."""

    url: str
    title: str
    text: str


def pages_of(engine: str) -> list[Page]:
    """What an engine finds unless a test says otherwise: one that all find, and two of its own."""
    own = [
        Page(
            f"https://{engine}.example/{number}",
            f"{engine} {number}",
            f"Number {number} of {engine} & others.",
        )
        for number in (1, 2)
    ]
    return [own[0], Page("https://common.example/page", "Common", f"All find it, {engine} too."), own[1]]


class MockSearch(MockProvider):
    """The server; a context manager that serves while it is open. ``pages`` are what each engine finds."""

    def __init__(self) -> None:
        super().__init__("")
        self.pages = {name: pages_of(name) for name in _ENGINES}

    @property
    @override
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def catalog(self, *engines: str, price: str | None = "0.001") -> str:
        """These engines as the catalogue has them, in TOML."""
        tables = []
        for name in engines:
            lines = [f"[search.{name}]", f'kind = "{name}"', f'base_url = "{self.url}/{name}"']
            lines += [f'credential = "{_ENGINES[name].variable}"'] if _ENGINES[name].variable else []
            lines += [f'price = "{price}"'] if price is not None else []
            lines += [f'engine_id = "{ENGINE_ID}"'] if name == "google" else []
            tables.append("\n".join(lines))
        return "\n\n" + "\n\n".join(tables) + "\n"

    def asked(self, engine: str, words: str = "") -> list[Received]:
        """The requests that an engine got whose query holds these words."""
        return [
            received
            for received in self.all_requests()
            if received.path.startswith(f"/{engine}/") and words in (query_of(received) or "")
        ]

    def wait_until_asked(self, engine: str, words: str) -> Received:
        """The first such request, as soon as it is there."""
        with self._arrival:
            assert self._arrival.wait_for(lambda: self.asked(engine, words), GUARD_SECONDS)
            return self.asked(engine, words)[0]

    @override
    async def _reply(self, exchange: Exchange) -> None:
        name = exchange.received.path.split("/")[1]
        engine = _ENGINES.get(name)
        query = query_of(exchange.received)
        if engine is None or query is None:
            exchange.whole(404, {"content-type": "text/plain"}, b"no such engine, or no query")
            return
        refusal = engine.refusal(exchange.received)
        if refusal is not None:
            send(exchange, refusal[0], {"error": refusal[1]})
            return
        for owner in (name, "all"):
            for fault, behave in FAULTS.items():
                if f"{owner}={fault}" in query:
                    await behave(exchange)
                    return
        body = engine.reply(query, [] if "all=nothing" in query else self.pages[name])
        exchange.whole(200, {"content-type": engine.content_type}, body)


def query_of(received: Received) -> str | None:
    """What is searched for; None if nothing is."""
    if received.method == "POST":
        found = received.json.get("query") if isinstance(received.json, dict) else None
    else:
        found = _asked(received).get("q")
    return found if isinstance(found, str) and found else None


def _asked(received: Received) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(received.path).query).items()}


def send(exchange: Exchange, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
    content = {"content-type": "application/json", **(headers or {})}
    exchange.whole(status, content, json.dumps(body).encode())


# ---- faults


async def _busy(exchange: Exchange) -> None:
    error = {"status": 429, "code": "RATE_LIMITED", "detail": "Request rate limit exceeded for plan."}
    send(exchange, 429, {"type": "ErrorResponse", "error": error}, {"retry-after": "3"})


async def _broken(exchange: Exchange) -> None:
    exchange.whole(500, {"content-type": "text/html"}, b"<h1>Internal Server Error</h1>")


async def _hang(exchange: Exchange) -> None:
    await asyncio.Event().wait()


async def _half(exchange: Exchange) -> None:
    exchange.head(200, {"content-type": "application/json", "content-length": "1000"})
    exchange.write(b'{"results": [')
    exchange.hang_up()


async def _stall(exchange: Exchange) -> None:
    exchange.head(200, {"content-type": "application/json", "content-length": "1000"})
    exchange.write(b'{"results": [')
    await asyncio.Event().wait()


async def _reset(exchange: Exchange) -> None:
    exchange.reset()


async def _garbage(exchange: Exchange) -> None:
    exchange.whole(200, {"content-type": "application/json"}, b"\x00\xff{garbage")


async def _huge(exchange: Exchange) -> None:
    exchange.start_chunked(200, {"content-type": "application/json"})
    exchange.chunk(b'{"results": [], "padding": "')
    for _ in range(HUGE // 65536):
        exchange.chunk(b"x" * 65536)
    exchange.chunk(b'"}')
    exchange.end_chunked()


async def _moved(exchange: Exchange) -> None:
    exchange.whole(302, {"location": "/elsewhere/?q=x"}, b"")


async def _denied(exchange: Exchange) -> None:
    send(exchange, 403, {"error": "the key secret-key-of-the-operator is blocked"})


async def _riddle(exchange: Exchange) -> None:
    exchange.whole(202, {"content-type": "text/html"}, b"<form id=challenge-form></form>")


FAULTS: Mapping[str, Callable[[Exchange], Awaitable[None]]] = {
    "busy": _busy,
    "broken": _broken,
    "hang": _hang,
    "half": _half,
    "stall": _stall,
    "reset": _reset,
    "garbage": _garbage,
    "huge": _huge,
    "moved": _moved,
    "denied": _denied,
    "riddle": _riddle,
}


# ---- the engines


type Refusal = tuple[int, str]


@dataclass(frozen=True, slots=True)
class _Engine:
    """``refusal`` checks a request as the engine does, ``reply`` is the body of a page of results."""

    refusal: Callable[[Received], Refusal | None]
    reply: Callable[[str, list[Page]], bytes]
    variable: str = ""
    content_type: str = "application/json"


def _check(received: Received, method: str, path: str, known: set[str]) -> Refusal | None:
    if received.method != method or urlsplit(received.path).path != path:
        return 404, "no such endpoint"
    unknown = set(received.json if method == "POST" else _asked(received)) - known
    return (422, f"unknown: {sorted(unknown)}") if unknown else None


def _brave_refusal(received: Received) -> Refusal | None:
    asked, query = _asked(received), query_of(received) or ""
    known = {"q", "count", "result_filter", "text_decorations"}
    if refusal := _check(received, "GET", "/brave/res/v1/web/search", known):
        return refusal
    if received.headers.get("x-subscription-token") != SECRETS["BRAVE_API_KEY"]:
        return 422, "SUBSCRIPTION_TOKEN_INVALID"
    if len(query) > 400 or len(query.split()) > 50 or not 1 <= int(asked.get("count", "20")) <= 20:
        return 422, "VALIDATION"
    return None


def _brave(query: str, pages: list[Page]) -> bytes:
    rows = [
        {
            "type": "search_result",
            "subtype": "generic",
            "title": html.escape(page.title),
            "url": page.url,
            "description": html.escape(page.text).replace("find", "<strong>find</strong>"),
            "language": "en",
            "family_friendly": True,
        }
        for page in pages
    ]
    body: dict[str, Any] = {"type": "search", "query": {"original": query}, "mixed": {"type": "mixed"}}
    if rows:
        body["web"] = {"type": "search", "results": rows, "family_friendly": True}
    return json.dumps(body).encode()


def _tavily_refusal(received: Received) -> Refusal | None:
    known = {"query", "max_results", "search_depth"}
    if refusal := _check(received, "POST", "/tavily/search", known):
        return refusal
    if received.headers.get("authorization") != f"Bearer {SECRETS['TAVILY_API_KEY']}":
        return 401, "Unauthorized: missing or invalid API key."
    if len(received.json["query"]) > 400 or not 0 <= received.json["max_results"] <= 20:
        return 400, "Query is too long. Max query length is 400 characters."
    return None


def _tavily(query: str, pages: list[Page]) -> bytes:
    rows = [
        {"url": page.url, "title": page.title, "content": page.text, "score": 0.9, "raw_content": None}
        for page in pages
    ]
    rest: dict[str, Any] = {"follow_up_questions": None, "answer": None, "images": [], "response_time": 0.9}
    return json.dumps({"query": query, "results": rows, **rest}).encode()


def _google_refusal(received: Received) -> Refusal | None:
    asked = _asked(received)
    if refusal := _check(received, "GET", "/google/customsearch/v1", {"key", "cx", "q", "num"}):
        return refusal
    if asked.get("key") != SECRETS["GOOGLE_SEARCH_API_KEY"]:
        return 400, "API key not valid. Please pass a valid API key."
    if asked.get("cx") != ENGINE_ID or not 1 <= int(asked.get("num", "10")) <= 10:
        return 400, "Request contains an invalid argument."
    return None


def _google(query: str, pages: list[Page]) -> bytes:
    rows = [
        {
            "kind": "customsearch#result",
            "title": page.title,
            "htmlTitle": f"<b>{html.escape(page.title)}</b>",
            "link": page.url,
            "displayLink": urlsplit(page.url).netloc,
            "snippet": page.text,
            "htmlSnippet": html.escape(page.text),
        }
        for page in pages
    ]
    body: dict[str, Any] = {
        "kind": "customsearch#search",
        "queries": {"request": [{"searchTerms": query, "count": len(rows), "cx": ENGINE_ID}]},
    }
    return json.dumps(body | ({"items": rows} if rows else {})).encode()


def _searxng_refusal(received: Received) -> Refusal | None:
    if refusal := _check(received, "GET", "/searxng/search", {"q", "format", "categories"}):
        return refusal
    return None if _asked(received).get("format") == "json" else (403, "this is a mock of the JSON format")


def _searxng(query: str, pages: list[Page]) -> bytes:
    rows = [
        {
            "url": page.url,
            "title": page.title,
            "content": page.text,
            "engine": "startpage",
            "engines": ["startpage"],
            "positions": [number],
            "score": 1 / number,
            "category": "general",
        }
        for number, page in enumerate(pages, 1)
    ]
    rest: dict[str, Any] = {
        "number_of_results": 0,
        "answers": [],
        "corrections": [],
        "infoboxes": [],
        "suggestions": [],
    }
    return json.dumps({"query": query, "results": rows, "unresponsive_engines": [], **rest}).encode()


def _duckduckgo_refusal(received: Received) -> Refusal | None:
    return _check(received, "GET", "/duckduckgo/html/", {"q"})


def _duckduckgo(query: str, pages: list[Page]) -> bytes:
    rows = "".join(
        f"""
<div class="result results_links results_links_deep web-result ">
<h2 class="result__title"><a rel="nofollow" class="result__a"
 href="//duckduckgo.com/l/?uddg={quote(page.url, safe="")}&amp;rut=1f0a">{html.escape(page.title)}</a></h2>
<a class="result__snippet" href="//duckduckgo.com/l/?uddg={quote(page.url, safe="")}">{html.escape(page.text)}</a>
</div>"""
        for page in pages
    )
    nothing = '<div class="no-results">No results.</div>'
    page = f'<html><title>{html.escape(query)} at DuckDuckGo</title><div id="links" class="results">{rows or nothing}</div>'
    return page.encode()


_ENGINES: Mapping[str, _Engine] = {
    "brave": _Engine(_brave_refusal, _brave, "BRAVE_API_KEY"),
    "tavily": _Engine(_tavily_refusal, _tavily, "TAVILY_API_KEY"),
    "google": _Engine(_google_refusal, _google, "GOOGLE_SEARCH_API_KEY"),
    "searxng": _Engine(_searxng_refusal, _searxng),
    "duckduckgo": _Engine(_duckduckgo_refusal, _duckduckgo, content_type="text/html; charset=UTF-8"),
}

ENGINES = tuple(_ENGINES)

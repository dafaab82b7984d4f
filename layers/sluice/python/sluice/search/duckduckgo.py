"""DuckDuckGo, by its page for browsers without scripts.

It has no API for searching the web: its Instant Answer API gives an encyclopedia's first paragraph on a few topics and
nothing on all else, so what an answer could cite is only on this page. DuckDuckGo does not promise its form, and shows
who asks much a riddle instead (status 202), which counts as a failure.

A result is a link of the class ``result__a``, followed by its extract in an element of the class ``result__snippet``.
The link leads by way of ``duckduckgo.com/l/?uddg=<address>``; an advertisement's by way of ``/y.js``.
"""

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import override
from urllib.parse import parse_qs, urlsplit

from sluice.errors import UpstreamError
from sluice.providers.contract import UpstreamRequest
from sluice.search.contract import Engine, SearchAccess, SearchResult
from sluice.search.requests import get
from sluice.search.visible import visible

_HOST = "duckduckgo.com"
_REDIRECT = "/l/"
_LINK = "result__a"
_EXTRACT = "result__snippet"
_MARKS = frozenset({"no-results", "results", "serp__results"})
"""Classes that a page of results has, be there results or none."""


def search_request(query: str, access: SearchAccess, count: int) -> UpstreamRequest:
    """GET /html/, which gives a page of some 10 results, whatever is asked for."""
    return get(access, "/html/", {"q": query}, accept="text/html")


def results(body: bytes) -> Sequence[SearchResult]:
    """The page's results, without advertisements."""
    page = _Page()
    page.feed(body.decode("utf-8", "replace"))
    page.close()
    if not page.is_of_results:
        raise UpstreamError("The search engine did not answer with a page of results.")
    return [
        SearchResult(url, visible("".join(title)), visible("".join(extract)))
        for link, title, extract in page.found
        if (url := _target(link)) is not None
    ]


def _target(link: str) -> str | None:
    """Where a result's link leads in the end; None for one that stays with DuckDuckGo, as advertisements' do."""
    try:
        parts = urlsplit(link, scheme="https")
    except ValueError:
        return None
    host = (parts.hostname or _HOST).lower()
    if host != _HOST and not host.endswith(f".{_HOST}"):
        return link
    if parts.path != _REDIRECT:
        return None
    return next(iter(parse_qs(parts.query).get("uddg", ())), None)


class _Page(HTMLParser):
    """Collects a page's results: link, pieces of the title, pieces of the extract."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, list[str], list[str]]] = []
        self.is_of_results = False
        self._pieces: list[str] | None = None
        self._tag = ""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        classes = set((attributes.get("class") or "").split())
        if classes & _MARKS or attributes.get("id") == "links":
            self.is_of_results = True
        if _LINK in classes and tag == "a":
            self.is_of_results = True
            self.found.append((attributes.get("href") or "", [], []))
            self._pieces, self._tag = self.found[-1][1], tag
        elif _EXTRACT in classes and self.found:
            self._pieces, self._tag = self.found[-1][2], tag

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == self._tag:
            self._pieces = None

    @override
    def handle_data(self, data: str) -> None:
        if self._pieces is not None:
            self._pieces.append(data)


ENGINE = Engine(
    source="DuckDuckGo",
    address="https://html.duckduckgo.com",
    search_request=search_request,
    results=results,
)

"""DuckDuckGo, by its page for browsers without scripts.

It has no API for searching the web: its Instant Answer API gives an encyclopedia's first paragraph on a few topics and
nothing on all else, so what an answer could cite is only on this page. DuckDuckGo does not promise its form, and shows
who asks much a riddle instead (status 202), which counts as a failure.

A result is a link of the class ``result__a``, followed by its extract in an element of the class ``result__snippet``.
The link leads by way of ``duckduckgo.com/l/?uddg=<address>``; an advertisement's by way of ``/y.js``. The page is cut
at its tags rather than parsed: Python's own parser takes a time that grows with the square of a malformed page.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
_MARKS = frozenset({_LINK, "no-results", "results", "serp__results"})
"""Classes that a page of results has, be there results or none."""

_ATTRIBUTE = re.compile(r"""(?<![\w-])(?P<name>[\w-]+)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')""")
MOST_TAG_CHARACTERS = 4_096
MOST_NAME_CHARACTERS = 20


def search_request(query: str, access: SearchAccess, count: int) -> UpstreamRequest:
    """GET /html/, which gives a page of some 10 results, whatever is asked for."""
    return get(access, "/html/", {"q": query}, accept="text/html")


def results(body: bytes) -> Sequence[SearchResult]:
    """The page's results, without advertisements."""
    found, is_of_results = _read(body.decode("utf-8", "replace"))
    if not is_of_results:
        raise UpstreamError("The search engine did not answer with a page of results.")
    return [
        SearchResult(url, visible("".join(each.title)), visible("".join(each.extract)))
        for each in found
        if (url := _target(each.link)) is not None
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


@dataclass(slots=True)
class _Found:
    """A result: its link, and the pieces of its title and extract."""

    link: str
    title: list[str] = field(default_factory=list)
    extract: list[str] = field(default_factory=list)


def _read(page: str) -> tuple[list[_Found], bool]:
    """A page's results, and whether it is a page of results at all."""
    found: list[_Found] = []
    is_of_results = False
    pieces, ending = None, ""
    for piece in page.split("<")[1:]:
        tag, _, text = piece.partition(">")
        name = tag[: MOST_NAME_CHARACTERS + 1].split(maxsplit=1)[0].lower() if tag.strip() else ""
        if name == ending:
            pieces = None
        elif not name.startswith("/") and len(tag) <= MOST_TAG_CHARACTERS:
            attributes = _attributes(tag)
            classes = set(attributes.get("class", "").split())
            is_of_results = is_of_results or bool(classes & _MARKS)
            if name == "a" and _LINK in classes:
                found.append(_Found(attributes.get("href", "")))
                pieces, ending = found[-1].title, f"/{name}"
            elif _EXTRACT in classes and found:
                pieces, ending = found[-1].extract, f"/{name}"
        if pieces is not None:
            pieces.append(html.unescape(text))
    return found, is_of_results


def _attributes(tag: str) -> Mapping[str, str]:
    return {
        match["name"].lower(): html.unescape(match["double"] or match["single"] or "")
        for match in _ATTRIBUTE.finditer(tag)
    }


ENGINE = Engine(
    source="DuckDuckGo",
    address="https://html.duckduckgo.com",
    search_request=search_request,
    results=results,
)

"""Brave Search.

Source: https://api-dashboard.search.brave.com/app/documentation/web-search/get-started. A query has at most 400
characters and 50 words, a reply at most 20 results. Only successful requests are billed.
"""

from collections.abc import Sequence

from sluice.providers.contract import UpstreamRequest
from sluice.providers.reading import objects_of, parsed_object
from sluice.search.contract import Engine, SearchAccess, SearchResult
from sluice.search.plain_text import plain_text
from sluice.search.requests import get

MOST_RESULTS = 20


def search_request(query: str, access: SearchAccess, count: int) -> UpstreamRequest:
    """GET /res/v1/web/search, for web pages only and without marks around the words that were found."""
    asked = {
        "q": query,
        "count": str(min(count, MOST_RESULTS)),
        "result_filter": "web",
        "text_decorations": "false",
    }
    return get(access, "/res/v1/web/search", asked, {"x-subscription-token": access.credential or ""})


def results(body: bytes) -> Sequence[SearchResult]:
    """``web.results``; there is no ``web`` where nothing was found."""
    web = parsed_object(body).get("web")
    return [
        SearchResult(each["url"], plain_text(each.get("title")), plain_text(each.get("description")))
        for each in objects_of(web.get("results") if isinstance(web, dict) else None)
        if isinstance(each.get("url"), str)
    ]


ENGINE = Engine(
    source="Brave",
    address="https://api.search.brave.com",
    search_request=search_request,
    results=results,
)

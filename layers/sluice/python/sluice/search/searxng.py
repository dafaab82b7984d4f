"""SearXNG, a search engine of engines that one runs oneself.

Source: https://docs.searxng.org/dev/search_api.html. It gives a page of some 20 results, whatever is asked for, and
JSON only where its settings have ``json`` among ``search.formats``; otherwise it answers 403.
"""

from collections.abc import Sequence

from sluice.errors import UpstreamError
from sluice.providers.contract import UpstreamRequest
from sluice.providers.reading import objects_of, parsed_object
from sluice.search.contract import Engine, SearchAccess, SearchResult
from sluice.search.plain_text import plain_text
from sluice.search.requests import get


def search_request(query: str, access: SearchAccess, count: int) -> UpstreamRequest:
    """GET /search."""
    headers = {"authorization": f"Bearer {access.credential}"} if access.credential else {}
    return get(access, "/search", {"q": query, "format": "json", "categories": "general"}, headers)


def results(body: bytes) -> Sequence[SearchResult]:
    """``results``, of which there are none, too, where no engine behind it has answered: that is a failure."""
    raw = parsed_object(body)
    found = [
        SearchResult(each["url"], plain_text(each.get("title")), plain_text(each.get("content")))
        for each in objects_of(raw.get("results"))
        if isinstance(each.get("url"), str)
    ]
    if not found and raw.get("unresponsive_engines"):
        raise UpstreamError("The search engine's own engines did not answer.")
    return found


ENGINE = Engine(source="SearXNG", address=None, search_request=search_request, results=results)

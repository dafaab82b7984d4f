"""Google, by its Custom Search JSON API.

Source: https://developers.google.com/custom-search/v1/reference/rest/v1/cse/list. A reply has at most 10 results.
Google takes no new customers for it, and ends it for the others on 1 January 2027.
"""

from collections.abc import Sequence

from sluice.providers.contract import UpstreamRequest
from sluice.providers.reading import objects_of, parsed_object
from sluice.search.contract import Engine, SearchAccess, SearchResult
from sluice.search.plain_text import plain_text
from sluice.search.requests import get

MOST_RESULTS = 10


def search_request(query: str, access: SearchAccess, count: int) -> UpstreamRequest:
    """GET /customsearch/v1; the key travels in the address, as Google documents it."""
    asked = {
        "key": access.credential or "",
        "cx": access.engine_id,
        "q": query,
        "num": str(min(count, MOST_RESULTS)),
    }
    return get(access, "/customsearch/v1", asked)


def results(body: bytes) -> Sequence[SearchResult]:
    """``items``; there are none where nothing was found."""
    return [
        SearchResult(each["link"], plain_text(each.get("title")), plain_text(each.get("snippet")))
        for each in objects_of(parsed_object(body).get("items"))
        if isinstance(each.get("link"), str)
    ]


ENGINE = Engine(
    source="Google",
    address="https://www.googleapis.com",
    search_request=search_request,
    results=results,
)

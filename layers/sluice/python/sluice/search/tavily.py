"""Tavily.

Source: https://docs.tavily.com/documentation/api-reference/endpoint/search. The depth ``basic`` costs one credit, and a
reply has at most 20 results.
"""

from collections.abc import Sequence

from sluice.providers.contract import UpstreamRequest
from sluice.providers.reading import objects_of, parsed_object
from sluice.search.contract import Engine, SearchAccess, SearchResult
from sluice.search.plain_text import plain_text
from sluice.search.requests import post

MOST_RESULTS = 20


def search_request(query: str, access: SearchAccess, count: int) -> UpstreamRequest:
    """POST /search."""
    asked = {"query": query, "max_results": min(count, MOST_RESULTS), "search_depth": "basic"}
    return post(access, "/search", asked, {"authorization": f"Bearer {access.credential or ''}"})


def results(body: bytes) -> Sequence[SearchResult]:
    """``results``, by their score."""
    return [
        SearchResult(each["url"], plain_text(each.get("title")), plain_text(each.get("content")))
        for each in objects_of(parsed_object(body).get("results"))
        if isinstance(each.get("url"), str)
    ]


ENGINE = Engine(
    source="Tavily", address="https://api.tavily.com", search_request=search_request, results=results
)

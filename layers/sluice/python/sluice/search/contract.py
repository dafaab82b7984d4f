"""The seam between the pipeline and the search engines.

An engine is a module of pure functions, put together as an ``Engine``; ``sluice.search.registry`` has a line for each.

    query ── search_request ──▶ UpstreamRequest ──▶ (sluice.upstream sends it)
    status 200        ── results ──▶ SearchResult, best first
    any other status  ── sluice.search.failures ──▶ SluiceError
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sluice.providers.contract import UpstreamRequest


@dataclass(frozen=True, slots=True)
class SearchAccess:
    """How an engine is reached. ``engine_id`` is Google's ``cx``; engines without one leave it empty."""

    base_url: str
    credential: str | None = field(default=None, repr=False)
    engine_id: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page that was found: its address, and its title and an extract as plain text on one line each."""

    url: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Engine:
    """A search engine.

    Attributes:
        source: its name for clients, ``source_from`` of a result.
        address: the base URL where the catalogue gives none; None if it has to give one.
        search_request: expresses a query, for so many results.
        results: reads the body of a reply of status 200. What cannot be a result is left out.
            Raises UpstreamError: it is no such body, or tells that the engine did not search.
    """

    source: str
    address: str | None
    search_request: Callable[[str, SearchAccess, int], UpstreamRequest]
    results: Callable[[bytes], Sequence[SearchResult]]

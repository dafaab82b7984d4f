"""One list out of those of several engines, fair to all: reciprocal rank fusion.

A page counts 1 / (60 + rank) for each engine that found it, so what several found comes first, and where each found
pages of its own they alternate. Source: Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion", SIGIR 2009.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sluice.search.addresses import identity, is_shown
from sluice.search.contract import SearchResult

_DAMPING = 60

MOST_RESULTS = 8
MOST_TITLE_BYTES = 200
MOST_TEXT_BYTES = 700
"""In UTF-8, for it is bytes that become tokens; scripts of more bytes a character say more in each."""

MOST_READ = 50
"""Of one engine's list."""


@dataclass(frozen=True, slots=True)
class Source:
    """A result as it is given to the model and to the client; ``source`` is the engine's name for clients."""

    url: str
    title: str
    text: str
    source: str


def merged(found: Iterable[tuple[str, Sequence[SearchResult]]], most: int = MOST_RESULTS) -> list[Source]:
    """The best results of all engines, each page once, in the words of the engine that ranked it highest.

    Args:
        found: each engine's name for clients and its results, best first. Of equals the first engine's counts.
        most: how many there are at most.
    """
    scores: dict[str, Fraction] = {}
    best: dict[str, tuple[bool, int, Source]] = {}
    for source, results in found:
        for rank, (page, result) in enumerate(_distinct(results).items()):
            scores[page] = scores.get(page, Fraction(0)) + Fraction(1, _DAMPING + rank)
            candidate = (not result.text, rank, _source_of(result, source))
            if page not in best or candidate[:2] < best[page][:2]:
                best[page] = candidate
    ranked = sorted(scores, key=lambda page: -scores[page])  # of equals the one that was seen first
    return [best[page][2] for page in ranked[:most]]


def _distinct(results: Sequence[SearchResult]) -> dict[str, SearchResult]:
    """An engine's results by page, the first of each, without what is not to be shown."""
    pages: dict[str, SearchResult] = {}
    for result in results[:MOST_READ]:
        if is_shown(result.url) and (result.text or result.title):
            pages.setdefault(identity(result.url), result)
    return pages


def _source_of(result: SearchResult, source: str) -> Source:
    return Source(
        url=result.url,
        title=cut(result.title, MOST_TITLE_BYTES),
        text=cut(result.text, MOST_TEXT_BYTES),
        source=source,
    )


def cut(text: str, most: int) -> str:
    """The text, or its beginning with an ellipsis, in no more than so many bytes; cut at a word if there is one."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    beginning = encoded[: most - len("…".encode())].decode(errors="ignore")
    whole_words = beginning.rpartition(" ")[0]
    return (whole_words if len(whole_words) > len(beginning) // 2 else beginning) + "…"

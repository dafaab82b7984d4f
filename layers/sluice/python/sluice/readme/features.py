"""The feature matrix: what each kind of provider can express, by its own declaration."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from sluice.providers.contract import Provider
from sluice.providers.features import Feature

LEFT_OUT = frozenset({"demo", "declared"})
"""No provider that anybody chooses for what it can do, and one that has only what a catalogue says."""

YES, NO = "✓", "—"


def matrix(providers: Mapping[str, Provider]) -> str:
    """A Markdown table with a row for each feature and a column for each kind."""
    kinds = [kind for kind in providers if kind not in LEFT_OUT]
    lines = [
        line(["", *(f"`{kind}`" for kind in kinds)]),
        line(["---", *(":-:" for _ in kinds)]),
    ]
    lines += [line([name, *(told(providers[kind]) for kind in kinds)]) for name, told in _rows()]
    return "\n".join(lines)


def _rows() -> Iterator[tuple[str, Callable[[Provider], str]]]:
    for feature in Feature:
        yield feature.value, _knows(feature)
    yield "members that OpenAI does not have", _members
    yield "text completions at an endpoint of their own", lambda provider: _mark(provider.completions)
    yield "embeddings", lambda provider: _mark(provider.embeddings)
    yield "its list of models", lambda provider: _mark(provider.models)


def _knows(feature: Feature) -> Callable[[Provider], str]:
    return lambda provider: YES if feature in provider.features.known else NO


def _members(provider: Provider) -> str:
    members = provider.features.members
    if members is None:
        return "all"
    return "some" if members else "none"


def _mark(operation: object) -> str:
    return NO if operation is None else YES


def line(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"

"""In which order the legs of one model are asked: its policy, or what the client has said."""

from collections.abc import Callable, Sequence
from typing import Protocol, assert_never

from sluice.accounting.costs import TokenCount
from sluice.accounting.demand import Demand
from sluice.api.model_request import ModelRequest
from sluice.catalog import Candidate, Policy
from sluice.pipeline.latencies import Latencies
from sluice.pipeline.leg import Leg

LIKELY_OUTPUT_TOKENS = 500
"""What an answer has, for comparing prices: limits are mostly far above what is written."""

EXPLORED = 0.05
"""How often another leg than the fastest goes first: it may have become faster, and only an answer tells."""


class HasCandidate(Protocol):
    """One candidate's way to do something."""

    @property
    def candidate(self) -> Candidate:
        """The candidate."""
        ...


def by_wish[Way: HasCandidate](legs: Sequence[Way], providers: Sequence[str]) -> Sequence[Way]:
    """In the order of the providers that the client has named; legs of others are not among them."""
    return sorted(legs, key=lambda leg: providers.index(leg.candidate.provider))


def by_policy[Request: ModelRequest](
    legs: Sequence[Leg[Request]],
    policy: Policy,
    latencies: Latencies,
    random: Callable[[], float],
) -> Sequence[Leg[Request]]:
    """In the order that a model's policy makes; where it has no preference, in that of the catalogue.

    Args:
        legs: of one model, in the catalogue's order.
        policy: the model's.
        latencies: as they were seen.
        random: evenly distributed from 0 up to 1.
    """
    match policy:
        case "priority":
            return legs
        case "weighted":
            return by_weight(legs, random)
        case "cheapest":
            return sorted(legs, key=lambda leg: _price(leg.demand))
        case "fastest":
            return _fastest(legs, latencies, random)
        case unknown:
            assert_never(unknown)


def by_weight[Way: HasCandidate](legs: Sequence[Way], random: Callable[[], float]) -> Sequence[Way]:
    """In an order that is drawn: each is first as often as its weight is its share."""
    return sorted(legs, key=lambda leg: _drawn(leg.candidate.weight, random), reverse=True)


def _drawn(weight: int, random: Callable[[], float]) -> float:
    """Sorted by this, each is first as often as its weight is its share, and a weight of 0 is last.

    Source: Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006.
    """
    return random() ** (1 / weight) if weight else -1.0


def _price(demand: Demand) -> tuple[bool, int]:
    """Of what a request will probably use; an unknown price comes last."""
    if demand.rates is None:
        return True, 0
    written = min(demand.output_tokens, LIKELY_OUTPUT_TOKENS) * demand.choices
    return False, demand.rates.cost(TokenCount(demand.counted_prompt, written, audio=demand.audio_tokens))


def _fastest[Request: ModelRequest](
    legs: Sequence[Leg[Request]], latencies: Latencies, random: Callable[[], float]
) -> Sequence[Leg[Request]]:
    """The fastest first; one that was never asked goes before them, and now and then any other."""
    streams = legs[0].request.streams
    seen = [latencies.of(leg.name, streams=streams) for leg in legs]
    # Unknown ones are shuffled, so that many requests at once do not all go to one of them.
    places = [random() - 1 if latency is None else latency for latency in seen]
    ranked = [leg for _, leg in sorted(zip(places, legs, strict=True), key=lambda pair: pair[0])]
    if None not in seen and len(ranked) > 1 and random() < EXPLORED:
        ranked.insert(0, ranked.pop(1 + int(random() * (len(ranked) - 1))))
    return ranked

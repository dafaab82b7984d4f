"""Usage as the command prints it: as JSON for scripts, as text for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sluice.cli.rendering import columns
from sluice.money import format_usd
from sluice.stores.usage_items import Totals

NUMBERS = (
    "requests",
    "prompt",
    "cached",
    "cache write",
    "completion",
    "reasoning",
    "total",
    "searches",
    "images",
    "video seconds",
    "cost USD",
    "estimated",
)
SUM = "all"


@dataclass(frozen=True, slots=True)
class Line:
    """A group of requests, by what they have in common, and what they add up to."""

    group: Mapping[str, str]
    totals: Totals


def usage_object(line: Line) -> dict[str, Any]:
    """A line as a JSON object; the cost is a decimal string of USD."""
    totals = line.totals
    return {
        **line.group,
        "requests": totals.requests,
        "prompt_tokens": totals.prompt_tokens,
        "completion_tokens": totals.completion_tokens,
        "cached_tokens": totals.cached_tokens,
        "cache_write_tokens": totals.cache_write_tokens,
        "reasoning_tokens": totals.reasoning_tokens,
        "total_tokens": totals.prompt_tokens + totals.completion_tokens,
        "searches": totals.searches,
        "images": totals.images,
        "seconds": totals.seconds,
        "cost": format_usd(totals.cost),
        "estimated": totals.estimated,
    }


def usage_table(lines: Sequence[Line]) -> str:
    """Lines under a heading, and below them what they add up to; there is at least one line."""
    names = tuple(lines[0].group)
    everything = sum((line.totals for line in lines), Totals())
    rows = [
        (*names, *NUMBERS),
        *((*line.group.values(), *_numbers(line.totals)) for line in lines),
        (SUM, *[""] * (len(names) - 1), *_numbers(everything)),
    ]
    return columns(rows, len(names))


def _numbers(totals: Totals) -> tuple[str, ...]:
    counts = (
        totals.requests,
        totals.prompt_tokens,
        totals.cached_tokens,
        totals.cache_write_tokens,
        totals.completion_tokens,
        totals.reasoning_tokens,
        totals.prompt_tokens + totals.completion_tokens,
        totals.searches,
        totals.images,
        totals.seconds,
    )
    return (*(f"{count:,}" for count in counts), format_usd(totals.cost), f"{totals.estimated:,}")

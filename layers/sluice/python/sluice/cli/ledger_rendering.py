"""Rows of the ledger as the command prints them: as JSON for scripts, as text for a person.

Lines are printed as rows are read, so columns have a width of their own, and what may be longer than that comes last.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sluice.cli.rendering import moment
from sluice.money import format_usd
from sluice.observability import on_one_line
from sluice.stores.ledger_rows import LedgerRow

MILLISECONDS = 1000
COST_WIDTH = 14
TOKENS_WIDTH = 9

_HEADS = (
    "settled".ljust(23),
    "request".ljust(36),
    "status".ljust(9),
    "cost USD".rjust(COST_WIDTH),
    *(name.rjust(TOKENS_WIDTH) for name in ("prompt", "cached", "written", "answer", "reasoning")),
    "model, provider, notes",
)
HEADING = "  ".join(_HEADS)
"""``written``: tokens that the provider has cached; ``answer``: those of the completion."""


@dataclass(frozen=True, slots=True)
class Sum:
    """How many rows there are, how many of them estimated, and what they cost in nano-USD."""

    requests: int = 0
    estimated: int = 0
    cost: int = 0

    def __add__(self, row: LedgerRow) -> "Sum":
        """With one row more."""
        return Sum(self.requests + 1, self.estimated + row.estimated, self.cost + row.cost)


def row_object(row: LedgerRow) -> dict[str, Any]:
    """A row as a JSON object. The time is in epoch milliseconds, money a decimal string of USD and exact."""
    return {
        "request_id": row.request_id,
        "key": row.key_id,
        "owner": row.owner or None,
        "settled_at": row.settled_at,
        "status": row.status,
        "model": row.model or None,
        "provider": row.provider or None,
        "period": row.period,
        "cost": format_usd(row.cost),
        "search_cost": format_usd(row.search_cost),
        "prompt_tokens": row.prompt_tokens,
        "cached_tokens": row.cached_tokens,
        "cache_write_tokens": row.cache_write_tokens,
        "audio_tokens": row.audio_tokens,
        "completion_tokens": row.completion_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "searches": row.searches,
        "images": row.images,
        "seconds": row.seconds,
        "estimated": row.estimated,
        "capped": row.capped,
        "streamed": row.streamed,
        "first_byte_ms": row.first_byte_ms,
        "duration_ms": row.duration_ms,
        "request_hash": row.request_hash,
        "response_hash": row.response_hash,
    }


def row_line(row: LedgerRow) -> str:
    """A row as a line under ``HEADING``."""
    tokens = (
        row.prompt_tokens,
        row.cached_tokens,
        row.cache_write_tokens,
        row.completion_tokens,
        row.reasoning_tokens,
    )
    cells = (
        moment(row.settled_at // MILLISECONDS),
        on_one_line(row.request_id).ljust(36),
        row.status.ljust(9),
        format_usd(row.cost).rjust(COST_WIDTH),
        *(f"{count:,}".rjust(TOKENS_WIDTH) for count in tokens),
        on_one_line(", ".join([row.model or "-", row.provider or "-", *_notes(row)])),
    )
    return "  ".join(cells)


def row_text(row: LedgerRow) -> str:
    """A row as lines that begin with a name, its hashes too."""
    shown = {name: value for name, value in row_object(row).items() if value is not None}
    shown["settled_at"] = moment(row.settled_at // MILLISECONDS)
    shown |= {name: f"{shown[name]} USD" for name in ("cost", "search_cost")}
    width = max(map(len, shown))
    return "\n".join(f"{name.ljust(width)}  {on_one_line(_word(value))}" for name, value in shown.items())


def sum_line(total: Sum) -> str:
    """What rows add up to."""
    return f"requests: {total.requests:,}; cost: {format_usd(total.cost)} USD; estimated: {total.estimated:,}"


def _notes(row: LedgerRow) -> Iterator[str]:
    if row.estimated:
        yield "estimated"
    if row.capped:
        yield "capped"
    for count, unit in ((row.searches, "searches"), (row.images, "images"), (row.seconds, "s of video")):
        if count:
            yield f"{count} {unit}"


def _word(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case _:
            return str(value)

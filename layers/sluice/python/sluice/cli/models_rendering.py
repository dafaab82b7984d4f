"""Models as the command prints them: as JSON for scripts, as text for a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from sluice.api.model_status import ModelStatus
from sluice.catalog import ModelRow
from sluice.stores.model_items import StoredModel

COLUMNS = ("id", "kind", "provider", "from", "input", "output", "health")


def model_object(row: ModelRow, status: ModelStatus, stored: StoredModel | None) -> dict[str, Any]:
    """A model as a JSON object; prices are decimal strings of USD per million tokens."""
    return {
        "id": row.id,
        "aliases": list(row.aliases),
        "kind": row.kind,
        "provider": status.provider,
        "from": "file" if stored is None else "provider" if stored.found else "hand",
        "price": None if row.price is None else row.price.model_dump(mode="json", exclude_none=True),
        "context_tokens": row.context_tokens,
        "output_tokens": row.output_tokens,
        "retired": None if row.retired is None else row.retired.isoformat(),
        "successor": row.successor,
        "available": status.is_available,
        "health": status.health_status,
        "latency_ms": status.last_health_latency_ms,
    }


def models_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Models as lines under a heading."""
    lines = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    price = row["price"] or {}
    health = row["health"] if row["available"] else f"{row['health']}, not available"
    return (
        row["id"],
        row["kind"],
        row["provider"],
        row["from"],
        price.get("input", "-"),
        price.get("output", "-"),
        health,
    )

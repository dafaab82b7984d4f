"""Models as the command prints them: as JSON for scripts, as text for a person."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sluice.api.model_status import ModelStatus
from sluice.catalog import Candidate, ModelRow, Price
from sluice.catalog_rules import PIECES
from sluice.cli.rendering import columns
from sluice.stores.model_items import StoredModel
from sluice.stores.models import Snapshot

COLUMNS = ("id", "kind", "providers", "from", "input", "output", "health")


def model_object(row: ModelRow, status: ModelStatus, snapshot: Snapshot) -> dict[str, Any]:
    """A model as a JSON object; prices are decimal strings of USD, as in the catalogue.

    ``provider`` is the one that would answer; each of the ``candidates`` says whether its provider ``listed`` it, null
    where that is not known, and has the price that counts for it.
    """
    stored = snapshot.models.get(row.id)
    return {
        "id": row.id,
        "aliases": list(row.aliases),
        "kind": row.kind,
        "provider": status.provider,
        "candidates": [_candidate(row, candidate, snapshot) for candidate in row.candidates],
        "policy": row.policy,
        "fallbacks": list(row.fallbacks),
        "from": _origin(stored),
        "price": price_object(row.price),
        "context_tokens": row.context_tokens,
        "output_tokens": row.output_tokens,
        "retired": None if row.retired is None else row.retired.isoformat(),
        "successor": row.successor,
        "available": status.is_available,
        "health": status.health_status,
        "latency_ms": status.last_health_latency_ms,
    }


def models_table(rows: Sequence[Mapping[str, Any]], today: str) -> str:
    """Models as lines under a heading; ``today`` is the day, such as ``2026-11-29``."""
    return columns([COLUMNS, *(_cells(row, today) for row in rows)])


def _candidate(row: ModelRow, candidate: Candidate, snapshot: Snapshot) -> dict[str, Any]:
    seen = snapshot.providers.get(candidate.provider)
    is_known = seen is not None and seen.configured and seen.health is not None
    return {
        "provider": candidate.provider,
        "model": candidate.model,
        "weight": candidate.weight,
        "price": price_object(row.served_by(candidate).price),
        "listed": candidate.model not in seen.unlisted if seen is not None and is_known else None,
    }


def _origin(stored: StoredModel | None) -> str:
    if stored is None:
        return "file"
    return "provider" if stored.found else "hand"


def price_object(price: Price | None) -> dict[str, Any] | None:
    """A price as a JSON object, without what it does not have."""
    return None if price is None else price.model_dump(mode="json", exclude_defaults=True)


def _cells(row: Mapping[str, Any], today: str) -> tuple[str, ...]:
    return (
        row["id"],
        row["kind"],
        ", ".join(dict.fromkeys(each["provider"] for each in row["candidates"])) or "-",
        row["from"],
        _range(row, "input"),
        _range(row, "output") if row["kind"] not in PIECES else _range(row, PIECES[row["kind"]]),
        ", ".join(_remarks(row, today)),
    )


def _range(row: Mapping[str, Any], part: str) -> str:
    """From the cheapest to the dearest candidate's price; of one that nobody answers for, its own.

    What is sold by the piece names it.
    """
    prices = [each["price"] for each in row["candidates"]] or [row["price"]]
    amounts = sorted({amount for price in prices if price is not None for amount in _amounts(price, part)})
    shown = "-".join(format(amount, "f") for amount in dict.fromkeys((*amounts[:1], *amounts[-1:])))
    return f"{shown}/{part}" if shown and part in PIECES.values() else shown or "-"


def _amounts(price: Mapping[str, Any], part: str) -> Iterator[Decimal]:
    for each in (price, *price.get("variants", ())):
        if part in each:
            yield Decimal(each[part])


def _remarks(row: Mapping[str, Any], today: str) -> Iterator[str]:
    succession = "" if row["successor"] is None else f" → {row['successor']}"
    if not row["candidates"] or (row["retired"] is not None and row["retired"] <= today):
        yield f"retired{succession}"
        return
    if all(each["listed"] is False for each in row["candidates"]):
        yield "not listed"
    else:
        yield row["health"]
        if not row["available"]:
            yield "not available"
    if row["retired"] is not None:
        yield f"retires {row['retired']}{succession}"

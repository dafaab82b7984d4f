"""Keys as the command prints them: as JSON for scripts, as text for a person."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sluice.money import format_usd
from sluice.stores.keys import KeyRecord

COLUMNS = ("id", "prefix", "name", "owner", "plan", "budget", "state", "expires", "last used", "models")


def key_object(record: KeyRecord, last_used_at: int | None, secret: str | None = None) -> dict[str, Any]:
    """A key as a JSON object; with its secret only where that has just been made.

    Times are epoch seconds, the budget is a decimal string of USD.
    """
    shown: dict[str, Any] = {"id": record.id}
    if secret is not None:
        shown["key"] = secret
    return shown | {
        "name": record.name,
        "owner": record.owner,
        "plan": record.plan,
        "budget": None if record.budget_nano_usd is None else format_usd(record.budget_nano_usd),
        "period": record.budget_period,
        "rpm": record.rpm,
        "tpm": record.tpm,
        "tpd": record.tpd,
        "models": None if record.models is None else list(record.models),
        "prefix": record.prefix,
        "active": record.active,
        "state": _state(record, int(time.time())),
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "last_used_at": last_used_at,
    }


def as_json(value: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    """JSON on one line, with escapes for what would move a terminal's cursor or is not seen."""
    return "".join(
        each if each.isprintable() else json.dumps(each).strip('"')
        for each in json.dumps(value, ensure_ascii=False)
    )


def moment(seconds: int) -> str:
    """An instant, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def table(records: Iterable[KeyRecord], last_used: Mapping[str, int], now: int) -> str:
    """Keys as lines under a heading; ``last_used`` has epoch seconds by the key's id."""
    rows = [COLUMNS, *(_row(record, last_used.get(record.id), now) for record in records)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _row(record: KeyRecord, last_used_at: int | None, now: int) -> tuple[str, ...]:
    budget = "-" if record.budget_nano_usd is None else f"{format_usd(record.budget_nano_usd)} USD"
    if record.budget_period not in {None, "lifetime"}:
        budget += f" {record.budget_period}"
    return (
        record.id,
        record.prefix,
        record.name,
        record.owner,
        record.plan,
        budget,
        _state(record, now),
        _date(record.expires_at),
        _date(last_used_at),
        "all" if record.models is None else ",".join(record.models),
    )


def _state(record: KeyRecord, now: int) -> str:
    """Whether a key can be used, and if not, why."""
    return "active" if record.usable(now) else "expired" if record.active else "revoked"


def _date(seconds: int | None) -> str:
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")

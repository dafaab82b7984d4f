"""An item of the usage table: what a key has used of a model on a day.

Its range key is the day, the key's id and the model's with ``#`` between them. Neither of the first two has one, so
that the model's may hold anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Self

from sluice.stores.aws import Item
from sluice.stores.ledger_rows import LedgerRow, MalformedRowError

OWNER = "owner"
DAY_KEY_MODEL = "day_key_model"
SEPARATOR = "#"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class UsageKey:
    """What an item adds up."""

    owner: str
    day: str
    """In UTC, such as ``2026-11-21``."""
    key_id: str
    model: str

    def item(self) -> Item:
        """As the key of a DynamoDB item."""
        text = SEPARATOR.join((self.day, self.key_id, self.model))
        return {OWNER: {"S": self.owner}, DAY_KEY_MODEL: {"S": text}}

    @classmethod
    def of(cls, item: Item) -> Self:
        """The key of a DynamoDB item."""
        day, key_id, model = item[DAY_KEY_MODEL]["S"].split(SEPARATOR, 2)
        return cls(item[OWNER]["S"], day, key_id, model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over ledger rows, named as their attributes; ``cost`` is in nano-USD."""

    requests: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    searches: int = 0
    cost: int = 0
    estimated: int = 0
    """Of the requests, those whose tokens and cost are estimated."""

    def __add__(self, other: Self) -> "Totals":
        return Totals(**{name: getattr(self, name) + getattr(other, name) for name in NUMBERS})


NUMBERS = tuple(field.name for field in fields(Totals))


@dataclass(frozen=True, slots=True)
class Usage:
    """An item of the table."""

    key: UsageKey
    totals: Totals


def usage_key_of(row: LedgerRow) -> UsageKey | None:
    """What a row is counted in; None for a lost one, which was no request that anybody got an answer to.

    The day is the one on which the request was settled.

    Raises:
        MalformedRowError: the row has no owner, or was settled at no time.
    """
    if row.status == "lost":
        return None
    if not row.owner:
        raise MalformedRowError("a ledger row has no owner")
    try:
        settled = _EPOCH + timedelta(milliseconds=row.settled_at)
    except OverflowError as error:
        raise MalformedRowError("settled_at of a ledger row is no time") from error
    return UsageKey(row.owner, settled.date().isoformat(), row.key_id, row.model)


def totals_of(rows: Iterable[LedgerRow]) -> Totals:
    """What rows add up to; none of them is lost."""
    return sum(map(_totals_of_one, rows), Totals())


def _totals_of_one(row: LedgerRow) -> Totals:
    return Totals(
        requests=1,
        prompt_tokens=row.prompt_tokens,
        cached_tokens=row.cached_tokens,
        cache_write_tokens=row.cache_write_tokens,
        completion_tokens=row.completion_tokens,
        reasoning_tokens=row.reasoning_tokens,
        searches=row.searches,
        cost=row.cost,
        estimated=int(row.estimated),
    )


def usage_of(item: Item) -> Usage:
    """The usage in a DynamoDB item; one that is older than a number counts nothing for it."""
    return Usage(
        UsageKey.of(item), Totals(**{name: int(item[name]["N"]) for name in NUMBERS if name in item})
    )

"""An item of the usage table: what a key has used of a model on a day.

Its range key is the day, the key's id and the model's with ``#`` between them. Neither of the first two has one, so
that the model's may hold anything.

Its sums are numbers of the names of ``Totals``. Beside them are the parts of each provider in them, by that name, ``@``
and the provider's: ``cost@openai``. Parts that are 0 are left out, and so are all of what was added up before there
were such, so that the sums may be more than their parts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Self

from sluice.stores.aws import Item
from sluice.stores.ledger_rows import LedgerRow, MalformedRowError

OWNER = "owner"
DAY_KEY_MODEL = "day_key_model"
SEPARATOR = "#"
PART = "@"

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
    images: int = 0
    seconds: int = 0
    """Of video."""
    cost: int = 0
    estimated: int = 0
    """Of the requests, those whose tokens and cost are estimated."""

    def __add__(self, other: Self) -> "Totals":
        return Totals(**{name: getattr(self, name) + getattr(other, name) for name in NUMBERS})

    def __sub__(self, other: Self) -> "Totals":
        return Totals(**{name: getattr(self, name) - getattr(other, name) for name in NUMBERS})


NUMBERS = tuple(each.name for each in fields(Totals))


@dataclass(frozen=True, slots=True)
class Usage:
    """An item of the table."""

    key: UsageKey
    totals: Totals
    providers: Mapping[str, Totals] = field(default_factory=dict)
    """What each provider has of them."""

    @property
    def rest(self) -> Totals:
        """What is of no provider that is known."""
        return self.totals - sum(self.providers.values(), Totals())


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


def numbers_of(rows: Iterable[LedgerRow]) -> Iterator[tuple[str, int]]:
    """What rows, none of which is lost, add to their item: the sums by name, and the parts of each provider."""
    totals, providers = Totals(), defaultdict[str, Totals](Totals)
    for row in rows:
        one = _totals_of_one(row)
        totals += one
        providers[row.provider] += one
    yield from ((name, getattr(totals, name)) for name in NUMBERS)
    for provider, part in sorted(providers.items()):
        if provider:
            found = ((name, getattr(part, name)) for name in NUMBERS)
            yield from ((name + PART + provider, number) for name, number in found if number)


def _totals_of_one(row: LedgerRow) -> Totals:
    return Totals(
        requests=1,
        prompt_tokens=row.prompt_tokens,
        cached_tokens=row.cached_tokens,
        cache_write_tokens=row.cache_write_tokens,
        completion_tokens=row.completion_tokens,
        reasoning_tokens=row.reasoning_tokens,
        searches=row.searches,
        images=row.images,
        seconds=row.seconds,
        cost=row.cost,
        estimated=int(row.estimated),
    )


def usage_of(item: Item) -> Usage:
    """The usage in a DynamoDB item; one that is older than a number counts nothing for it."""
    parts = defaultdict[str, dict[str, int]](dict)
    for attribute, value in item.items():
        name, _, provider = attribute.partition(PART)
        if name in NUMBERS:
            parts[provider][name] = int(value["N"])
    totals = Totals(**parts.pop("", {}))
    return Usage(UsageKey.of(item), totals, {name: Totals(**part) for name, part in parts.items()})

"""What is kept of an API key, and its form as a DynamoDB item.

The two mappers are closed: an item with an attribute missing, malformed or unknown is refused, because an
attribute that this code does not understand may be a limit that it would then not keep.
"""

from dataclasses import asdict, dataclass
from typing import cast, get_args

from sluice.accounting.periods import BudgetPeriod
from sluice.keys import digest_of, new_id, prefix_of
from sluice.stores.aws import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One secret of a key. During a rotation's grace two records, with two digests, share one id.

    Times are whole epoch seconds, money is nano-USD, limits are per key; None is "no such limit".
    """

    digest: str
    """SHA-256 of the secret in hex."""
    id: str
    name: str
    owner: str
    prefix: str
    """The secret's first characters, for display."""
    plan: str
    active: bool
    created_at: int
    """When the key came to be; a rotation does not change it."""
    expires_at: int | None = None
    """From this second on the secret is not accepted."""
    models: tuple[str, ...] | None = None
    """The only model ids that may be used."""
    budget_nano_usd: int | None = None
    budget_period: BudgetPeriod | None = None
    rpm: int | None = None
    """Requests a minute."""
    tpm: int | None = None
    """Tokens a minute."""
    tpd: int | None = None
    """Tokens a day."""

    def usable(self, now: float) -> bool:
        """Whether the secret is accepted at the epoch second ``now``."""
        return self.active and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTerms:
    """What whoever makes a key decides about it, as in ``KeyRecord``."""

    name: str
    owner: str
    plan: str
    expires_at: int | None = None
    models: tuple[str, ...] | None = None
    budget_nano_usd: int | None = None
    budget_period: BudgetPeriod | None = None
    rpm: int | None = None
    tpm: int | None = None
    tpd: int | None = None


def new_record(secret: str, terms: KeyTerms, now: int) -> KeyRecord:
    """The record of a key that comes to be at ``now``, under a fresh id; the secret itself is not in it."""
    return KeyRecord(
        digest=digest_of(secret),
        id=new_id(),
        prefix=prefix_of(secret),
        active=True,
        created_at=now,
        **asdict(terms),
    )


class MalformedItemError(Exception):
    """An item of the keys table is not a key record; the message names the attributes, not their values."""


TEXTS = ("digest", "id", "name", "owner", "prefix", "plan")
NUMBERS = ("created_at",)
OPTIONAL_NUMBERS = ("expires_at", "budget_nano_usd", "rpm", "tpm", "tpd")
FORMER = ("last_used_at",)
"""Read over. An earlier version noted the last use here, which is the counter's now: to refuse it would be to refuse
every key that was used then, and it is no limit."""
ATTRIBUTES = frozenset((*TEXTS, *NUMBERS, *OPTIONAL_NUMBERS, *FORMER, "active", "models", "budget_period"))


def item_of(record: KeyRecord) -> Item:
    """The record as a DynamoDB item; what is None has no attribute."""
    item: Item = {name: {"S": getattr(record, name)} for name in TEXTS}
    item["active"] = {"BOOL": record.active}
    for name in (*NUMBERS, *OPTIONAL_NUMBERS):
        value = getattr(record, name)
        if value is not None:
            item[name] = {"N": str(value)}
    if record.models is not None:
        item["models"] = {"L": [{"S": model} for model in record.models]}
    if record.budget_period is not None:
        item["budget_period"] = {"S": record.budget_period}
    return item


def record_of(item: Item) -> KeyRecord:
    """The record in a DynamoDB item, as ``item_of`` wrote it.

    Raises:
        MalformedItemError: the item is something else.
    """
    unknown = sorted(item.keys() - ATTRIBUTES)
    if unknown:
        raise MalformedItemError(f"unknown attributes of a key record: {', '.join(unknown)}")
    return KeyRecord(
        digest=_text(item, "digest"),
        id=_text(item, "id"),
        name=_text(item, "name"),
        owner=_text(item, "owner"),
        prefix=_text(item, "prefix"),
        plan=_text(item, "plan"),
        active=_flag(item, "active"),
        created_at=_number(item, "created_at"),
        expires_at=_optional_number(item, "expires_at"),
        models=_texts(item, "models"),
        budget_nano_usd=_optional_number(item, "budget_nano_usd"),
        budget_period=_period(item, "budget_period"),
        rpm=_optional_number(item, "rpm"),
        tpm=_optional_number(item, "tpm"),
        tpd=_optional_number(item, "tpd"),
    )


def _text(item: Item, name: str) -> str:
    match item.get(name):
        case {"S": str(value)}:
            return value
    raise MalformedItemError(f"{name} of a key record is not a text")


def _number(item: Item, name: str) -> int:
    match item.get(name):
        case {"N": str(value)} if value.removeprefix("-").isdecimal():
            return int(value)
    raise MalformedItemError(f"{name} of a key record is not a whole number")


def _optional_number(item: Item, name: str) -> int | None:
    return _number(item, name) if name in item else None


def _flag(item: Item, name: str) -> bool:
    match item.get(name):
        case {"BOOL": bool(value)}:
            return value
    raise MalformedItemError(f"{name} of a key record is neither true nor false")


def _texts(item: Item, name: str) -> tuple[str, ...] | None:
    if name not in item:
        return None
    match item[name]:
        case {"L": list(values)}:
            return tuple(_text({name: value}, name) for value in values)
    raise MalformedItemError(f"{name} of a key record is not a list")


def _period(item: Item, name: str) -> BudgetPeriod | None:
    if name not in item:
        return None
    value = _text(item, name)
    if value not in get_args(BudgetPeriod):
        raise MalformedItemError(f"{name} of a key record is not a known period")
    return cast("BudgetPeriod", value)

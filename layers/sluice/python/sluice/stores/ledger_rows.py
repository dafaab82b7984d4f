"""A row of the ledger: what became of one admitted request, and what it cost.

The mappers are closed like those of key records: a row that this code does not understand is not added up.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, cast, get_args

from sluice.accounting.counter import Hold
from sluice.stores.aws import Item

RowStatus = Literal["complete", "broken", "cancelled", "lost"]
"""``complete``: the client got all. ``broken``: the provider ended the reply early, or the deadline passed.
``cancelled``: the client went away. ``lost``: the process died, its hold was reclaimed, and nothing is charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One settled request. Times are epoch milliseconds, durations milliseconds, costs nano-USD."""

    key_id: str
    request_id: str
    """Sorts by time; also the name of the request's hold."""
    period: str
    """The budget period that the cost is counted in; fixed at admission."""
    status: RowStatus
    settled_at: int
    cost: int
    """What the key is charged."""
    owner: str = ""
    model: str = ""
    """The catalogue's id. A lost row knows neither owner nor model nor provider: its process took them along."""
    provider: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """The part of the prompt that the provider had cached."""
    cache_write_tokens: int = 0
    """The part of the prompt that the provider has cached from now on, where that has a price of its own."""
    audio_tokens: int = 0
    """The part of the prompt that is sound."""
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    """The part of the completion that is reasoning."""
    searches: int = 0
    """How many search engines answered."""
    search_cost: int = 0
    """The part of the cost that is theirs; more than all of it where the cost is ``capped`` below it."""
    images: int = 0
    """How many pictures a job has made."""
    seconds: int = 0
    """How many seconds the video of a job has, as they are charged."""
    estimated: bool = False
    """Tokens and cost are worked out from what was received: the provider sent no usage."""
    hold_expires_at: int | None = None
    """Epoch seconds; tells the request's hold from another one under its id."""
    capped: bool = False
    """The provider reported more than the hold covers and the budget had no more to give, so ``cost`` is less
    than the tokens' price."""
    streamed: bool = False
    first_byte_ms: int | None = None
    duration_ms: int | None = None
    request_hash: str | None = None
    response_hash: str | None = None

    def settles(self, hold: Hold) -> bool:
        """Whether a hold under the request's id is the one that the row is for.

        An attempt to admit the request that was given up may be carried out when the request is settled. Its hold has
        another expiry, and there is nothing that it could be settled to.
        """
        return self.hold_expires_at in (None, hold.expires_at)


class MalformedRowError(Exception):
    """An item of the ledger is no row; the message names the attribute, not its value."""


ROLLED_UP = "rolled_up"
"""Marks a row whose numbers are in the usage table."""

STATUS = "status"

_KINDS_OF_TYPES: Mapping[object, str] = {int: "N", int | None: "N", bool: "BOOL"}
_KINDS = {field.name: _KINDS_OF_TYPES.get(field.type, "S") for field in fields(LedgerRow)}
_DEFAULTS = {field.name: field.default for field in fields(LedgerRow)}
_REQUIRED = tuple(name for name, default in _DEFAULTS.items() if default is MISSING)


def item_of(row: LedgerRow) -> Item:
    """The row as a DynamoDB item; what has its default has no attribute."""
    item: Item = {}
    for name, default in _DEFAULTS.items():
        value = getattr(row, name)
        if value == default:
            continue
        match value:
            case bool():
                item[name] = {"BOOL": value}
            case int():
                item[name] = {"N": str(value)}
            case str():
                item[name] = {"S": value}
    return item


def row_of(item: Item) -> LedgerRow:
    """The row in a DynamoDB item, as ``item_of`` wrote it; also of a stream record's image.

    Raises:
        MalformedRowError: it is something else.
    """
    members: dict[str, object] = {}
    for name, attribute in item.items():
        if name == ROLLED_UP:
            continue
        if name not in _KINDS:
            raise MalformedRowError(f"unknown attribute of a ledger row: {name}")
        match _KINDS[name], attribute:
            case "S", {"S": str(text)}:
                members[name] = text
            case "N", {"N": str(digits)} if digits.removeprefix("-").isdecimal():
                members[name] = int(digits)
            case "BOOL", {"BOOL": bool(flag)}:
                members[name] = flag
            case _:
                raise MalformedRowError(f"{name} of a ledger row has the wrong type")
    missing = [name for name in _REQUIRED if name not in members]
    if missing or members[STATUS] not in get_args(RowStatus):
        raise MalformedRowError(f"a ledger row lacks {', '.join(missing) or 'a known status'}")
    return LedgerRow(**cast("dict[str, Any]", members))

"""A key's item in the counters table: how it is read, and the updates that admit and settle.

Its attributes are those of ``accounting.counter``: each window as ``<name>_slot``, ``_now``, ``_earlier`` and
``_total``; ``period`` and ``used``; and the map ``holds``, by request id, of texts ``<amount> <tokens>
<expires_at> <period>``: short, because each 1 KB of the item costs a write unit, and comparable on every engine, which
lists are not.
"""

from collections.abc import Mapping
from typing import Any

from sluice.accounting.admission import Taking
from sluice.accounting.counter import Charge, Counter, Hold, Limits
from sluice.stores.aws import Item
from sluice.stores.updates import Update, begin_window, take_in_window, window_of

IS_NEW = "attribute_not_exists({id})"
HAS_NO_SUCH_HOLD = "attribute_not_exists({hold})"
SAME_PERIOD = "{period} = {value}"
OTHER_PERIOD = "{period} <> {value}"
BUDGET_COVERS = "{used} <= {room}"
HOLD_IS_AS_SEEN = "{hold} = {seen}"


def admitting(request_id: str, hold: Hold, taking: Taking, limits: Limits, now: int) -> Update:
    """Counts a request, and holds what it may use; on condition that it fits and holds nothing yet."""
    update = Update()
    path = f"{update.name('holds')}.{update.name(request_id)}"
    if taking.seen is None:
        _begin(update, request_id, hold, taking)
    else:
        update.require(HAS_NO_SUCH_HOLD.format(hold=path))
        _take(update, hold, taking, limits, taking.seen)
        update.set(path, update.value(hold_value(hold)))
    update.set(update.name("last_used_at"), update.number(now))
    return update


def _begin(update: Update, request_id: str, hold: Hold, taking: Taking) -> None:
    """The first admission of a key makes its counter."""
    update.require(IS_NEW.format(id=update.name("id")))
    begin_window(update, "requests", taking.requests, counted=1, held=0)
    begin_window(update, "minute_tokens", taking.minute_tokens, counted=0, held=hold.tokens)
    begin_window(update, "day_tokens", taking.day_tokens, counted=0, held=hold.tokens)
    update.set(update.name("period"), update.value({"S": taking.period}))
    update.set(update.name("used"), update.number(hold.amount))
    update.set(update.name("holds"), update.value({"M": {request_id: hold_value(hold)}}))


def _take(update: Update, hold: Hold, taking: Taking, limits: Limits, seen: Counter) -> None:
    for name, counted, held, limit in (
        ("requests", 1, 0, limits.rpm),
        ("minute_tokens", 0, hold.tokens, limits.tpm),
        ("day_tokens", 0, hold.tokens, limits.tpd),
    ):
        was, rolled = getattr(seen, name), getattr(taking, name)
        take_in_window(update, name, was, rolled, counted=counted, held=held, limit=limit)
    period, used = update.name("period"), update.name("used")
    update.require(SAME_PERIOD.format(period=period, value=update.value({"S": seen.period})))
    if taking.period == seen.period:
        update.add(used, hold.amount)
        if limits.budget is not None:
            room = update.number(limits.budget - hold.amount)
            update.require(BUDGET_COVERS.format(used=used, room=room))
    else:
        update.set(period, update.value({"S": taking.period}))
        update.set(used, update.number(hold.amount))


def settling(request_id: str, hold: Hold, charge: Charge, *, same_period: bool) -> Update:
    """Ends a hold, on condition that it is there; in the period that it is of, or in a later one."""
    update = Update()
    path = f"{update.name('holds')}.{update.name(request_id)}"
    update.require(HOLD_IS_AS_SEEN.format(hold=path, seen=update.value(hold_value(hold))))
    period = SAME_PERIOD if same_period else OTHER_PERIOD
    update.require(period.format(period=update.name("period"), value=update.value({"S": hold.period})))
    if same_period:
        update.add(update.name("used"), charge.cost - hold.amount)
    for name in ("minute_tokens", "day_tokens"):
        update.add(update.name(f"{name}_total"), charge.tokens - hold.tokens)
        update.add(update.name(f"{name}_now"), charge.tokens)
    update.remove(path)
    return update


def hold_value(hold: Hold) -> dict[str, Any]:
    """A hold as a typed value."""
    return {"S": f"{hold.amount} {hold.tokens} {hold.expires_at} {hold.period}"}


def hold_of(value: Mapping[str, Any]) -> Hold:
    """The hold of a typed value."""
    amount, tokens, expires_at, period = value["S"].split(" ")
    return Hold(int(amount), int(tokens), int(expires_at), period)


def counter_of(item: Item) -> Counter:
    """The counter of a key's item."""
    return Counter(
        requests=window_of(item, "requests"),
        minute_tokens=window_of(item, "minute_tokens"),
        day_tokens=window_of(item, "day_tokens"),
        period=item["period"]["S"],
        used=int(item["used"]["N"]),
        holds={name: hold_of(value) for name, value in item["holds"]["M"].items()},
        last_used_at=int(item["last_used_at"]["N"]),
        corrections=int(item["corrections"]["N"]) if "corrections" in item else 0,
    )

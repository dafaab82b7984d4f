"""Builds an UpdateItem piece by piece; every attribute goes by a placeholder, since many words are reserved.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

import re
from typing import Any

from sluice.accounting.windows import Window
from sluice.stores.aws import Item

PLACEHOLDER = re.compile(r"#n\d+")


class Update:
    """One update; the methods that name an attribute return its placeholder or take its plain name."""

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}
        self._values: dict[str, dict[str, Any]] = {}
        self._conditions: list[str] = []
        self._set: list[str] = []
        self._remove: list[str] = []

    def name(self, attribute: str) -> str:
        """The placeholder of an attribute, or of one key of a map."""
        return self._placeholders.setdefault(attribute, f"#n{len(self._placeholders)}")

    def number(self, value: int) -> str:
        """The placeholder of a number."""
        return self.value({"N": str(value)})

    def value(self, value: dict[str, Any]) -> str:
        """The placeholder of a typed value."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = value
        return placeholder

    def require(self, condition: str) -> None:
        """Make the write depend on a condition, beside all others."""
        self._conditions.append(condition)

    def set(self, path: str, value: str) -> None:
        """Set an attribute by its placeholders."""
        self._set.append(f"{path} = {value}")

    def add(self, path: str, amount: int) -> None:
        """Add to a number that is there. ``ADD`` would make one that is not, and so hide a mistake."""
        if amount:
            self._set.append(f"{path} = {path} {'+' if amount > 0 else '-'} {self.number(abs(amount))}")

    def remove(self, path: str) -> None:
        """Remove an attribute by its placeholders."""
        self._remove.append(path)

    def members(self) -> dict[str, Any]:
        """The expressions as members of the call."""
        clauses = [
            f"{verb} {', '.join(parts)}"
            for verb, parts in (("SET", self._set), ("REMOVE", self._remove))
            if parts
        ]
        update, condition = " ".join(clauses), " AND ".join(self._conditions)
        # DynamoDB refuses a name that no expression has: that of a number to which nothing was added.
        needed = set(PLACEHOLDER.findall(f"{update} {condition}"))
        found: dict[str, Any] = {
            "UpdateExpression": update,
            "ExpressionAttributeNames": {
                placeholder: name for name, placeholder in self._placeholders.items() if placeholder in needed
            },
        }
        if condition:
            found["ConditionExpression"] = condition
        return found | ({"ExpressionAttributeValues": self._values} if self._values else {})


def take_in_window(
    update: Update, name: str, seen: Window, rolled: Window, *, counted: int, held: int, limit: int | None
) -> None:
    """Count in a window, and make the write depend on the limit and on all that ``rolled`` rests on.

    Within a slot that is the slot alone: other writes may have come between, the limit is compared with the total as
    it is then. A new slot also rests on what was counted in the one that ends.

    Args:
        update: gets the changes and conditions.
        name: the window's, with which its attributes begin.
        seen: the window as it was read.
        rolled: the same with the slot to count in as its current one.
        counted: goes into the current slot at once.
        held: goes into the total only.
        limit: of the total.
    """
    slot, now, total = (update.name(f"{name}_{part}") for part in ("slot", "now", "total"))
    dropped = seen.total - rolled.total
    update.require(f"{slot} = {update.number(seen.slot)}")
    if rolled.slot == seen.slot:
        update.add(now, counted)
    else:
        update.require(f"{now} = {update.number(seen.now)}")
        update.set(slot, update.number(rolled.slot))
        update.set(now, update.number(counted))
        update.set(update.name(f"{name}_earlier"), update.value(earlier_value(rolled)))
    update.add(total, counted + held - dropped)
    if limit is not None:
        update.require(f"{total} <= {update.number(limit - counted - held + dropped)}")


def begin_window(update: Update, name: str, rolled: Window, *, counted: int, held: int) -> None:
    """Write a window that nothing was counted in before."""
    update.set(update.name(f"{name}_slot"), update.number(rolled.slot))
    update.set(update.name(f"{name}_now"), update.number(counted))
    update.set(update.name(f"{name}_earlier"), update.value(earlier_value(rolled)))
    update.set(update.name(f"{name}_total"), update.number(counted + held))


def earlier_value(window: Window) -> dict[str, Any]:
    """The earlier slots as a DynamoDB list."""
    return {"L": [{"N": str(count)} for count in window.earlier]}


def window_of(item: Item, name: str) -> Window:
    """The window of an item."""
    return Window(
        slot=int(item[f"{name}_slot"]["N"]),
        now=int(item[f"{name}_now"]["N"]),
        earlier=tuple(int(count["N"]) for count in item[f"{name}_earlier"]["L"]),
        total=int(item[f"{name}_total"]["N"]),
    )

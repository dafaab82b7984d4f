"""Sliding windows in slots: what was counted of late, forgotten slot by slot.

A window counts in the current slot and remembers the slots before it. What it compares with a limit, its ``total``, is
everything in the current slot and in as many whole slots before it as the shape says, and what is held besides:

    MINUTE     │ 16 earlier slots of 4 s       │ current slot           │   64 to 68 s
    DAY        │ 29 earlier slots of 50 min    │ current slot           │   24 h 10 min to 25 h

So no 60 s hold more than the limit, and nothing is refused while fewer were admitted in the last 70 s, although the
clocks of two environments may differ by a second, or by two. A window never goes back: a clock that is behind counts
in the slot that another clock has begun.

An earlier slot does not change any more. What is held (an estimate, until it is settled) belongs to no slot; what it
proves to be is counted in the slot that was begun last. That is its own one or a later one, for only admissions begin
slots. So no 60 s see more tokens admitted than the limit, either.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """The length of a slot in seconds, and how many slots before the current one count."""

    slot_seconds: int
    earlier_slots: int

    def slot_at(self, now: float) -> int:
        """The number of the slot that the epoch second ``now`` is in."""
        return int(now // self.slot_seconds)


MINUTE = Shape(slot_seconds=4, earlier_slots=16)
DAY = Shape(slot_seconds=3000, earlier_slots=29)


@dataclass(frozen=True, slots=True)
class Window:
    """What was counted: in the current slot (``now``), and in those before it, the latest first."""

    slot: int
    now: int
    earlier: tuple[int, ...]
    total: int
    """``now``, ``earlier`` and what is held: what a limit is compared with."""

    @property
    def held(self) -> int:
        """The part of the total that is not settled."""
        return self.total - self.now - sum(self.earlier)

    def rolled(self, shape: Shape, slot: int) -> "Window":
        """The window with ``slot`` as its current one, without what is then too old; itself, if that is not later."""
        steps = slot - self.slot
        if steps <= 0:
            return self
        empty = (0,) * min(steps - 1, shape.earlier_slots)
        earlier = (*empty, self.now, *self.earlier)[: shape.earlier_slots]
        while earlier and earlier[-1] == 0:
            earlier = earlier[:-1]
        return Window(slot, 0, earlier, self.held + sum(earlier))

    def falls_to(self, shape: Shape, room: int) -> float | None:
        """The epoch second from which the total is at most ``room`` if nothing is added; None if it stays above.

        It stays above where what is held alone is more.
        """
        left = self.total
        if left <= room:
            return float(self.slot * shape.slot_seconds)
        for age in range(len(self.earlier), -1, -1):
            left -= self.earlier[age - 1] if age else self.now
            if left <= room:
                return float((self.slot - age + shape.earlier_slots + 1) * shape.slot_seconds)
        return None


def empty(slot: int) -> Window:
    """A window in which nothing was ever counted."""
    return Window(slot, 0, (), 0)

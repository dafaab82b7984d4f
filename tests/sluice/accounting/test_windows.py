"""Windows against a list of what was counted when, which is all that they are to be."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sluice.accounting.windows import DAY, MINUTE, Shape, Window, empty

SHAPES = (MINUTE, DAY, Shape(slot_seconds=1, earlier_slots=1), Shape(slot_seconds=7, earlier_slots=3))

shapes = st.sampled_from(SHAPES)
times = st.integers(0, 200_000) | st.floats(0, 200_000)
pauses = st.floats(0, 6) | st.floats(-40, 80) | st.floats(-5000, 5000) | st.just(10.0**7)
"""Seconds to the next step; a clock may go back, or leap."""


@dataclass
class Counted:
    """A window, and the list of what it counted: in which slot, and how much."""

    shape: Shape
    window: Window
    slots: list[tuple[int, int]] = field(default_factory=list)
    held: int = 0

    def at(self, now: float) -> None:
        """Go on at a time."""
        self.window = self.window.rolled(self.shape, self.shape.slot_at(now))

    def count(self, amount: int) -> None:
        self.window = replace(self.window, now=self.window.now + amount, total=self.window.total + amount)
        self.slots.append((self.window.slot, amount))

    def hold(self, amount: int) -> None:
        self.window = replace(self.window, total=self.window.total + amount)
        self.held += amount

    def total(self, slot: int) -> int:
        """What a total has to be, where that is the current slot."""
        recent = sum(amount for counted, amount in self.slots if counted >= slot - self.shape.earlier_slots)
        return recent + self.held


STEPS = st.lists(st.tuples(pauses, st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=40)


def after(shape: Shape, start: float, steps: list[tuple[float, int, int, bool]]) -> Counted:
    """Count and hold, and settle what is held, while time passes."""
    counted, now = Counted(shape, empty(shape.slot_at(start))), start
    for pause, count, hold, settles in steps:
        now = max(0.0, now + pause)
        counted.at(now)
        counted.count(count)
        counted.hold(hold)
        if settles and counted.held:
            settled = counted.held // 2 + 1
            counted.hold(-settled)
            counted.count(settled // 2)
    return counted


@given(shapes, times, STEPS)
def test_a_total_is_what_was_counted_in_the_slots_that_count(
    shape: Shape, start: float, steps: list[tuple[float, int, int, bool]]
) -> None:
    counted = after(shape, start, steps)
    window = counted.window
    assert window.total == counted.total(window.slot)
    assert window.held == counted.held
    assert len(window.earlier) <= shape.earlier_slots
    assert not window.earlier or window.earlier[-1] > 0
    assert window.slot == max([shape.slot_at(start), *(slot for slot, _ in counted.slots)])


@given(shapes, times, STEPS, st.integers(0, 100))
def test_a_rolled_window_is_what_was_counted_in_the_slots_that_count_then(
    shape: Shape, start: float, steps: list[tuple[float, int, int, bool]], slots: int
) -> None:
    counted = after(shape, start, steps)
    slot = counted.window.slot + slots
    rolled = counted.window.rolled(shape, slot)
    assert (rolled.slot, rolled.total, rolled.held) == (slot, counted.total(slot), counted.held)


@given(shapes, times, STEPS, st.integers(0, 60), st.integers(0, 60))
def test_it_makes_no_difference_in_how_many_steps_a_window_rolls(
    shape: Shape, start: float, steps: list[tuple[float, int, int, bool]], first: int, second: int
) -> None:
    window = after(shape, start, steps).window
    once = window.rolled(shape, window.slot + first + second)
    assert window.rolled(shape, window.slot + first).rolled(shape, once.slot) == once


@given(shapes, times, STEPS, st.integers(0, 10**6))
def test_a_window_never_goes_back(
    shape: Shape, start: float, steps: list[tuple[float, int, int, bool]], slots: int
) -> None:
    window = after(shape, start, steps).window
    assert window.rolled(shape, window.slot - slots) is window


@given(shapes, times, STEPS, st.integers(-1, 100))
def test_a_total_falls_to_what_is_asked_at_the_second_that_is_told_and_no_sooner(
    shape: Shape, start: float, steps: list[tuple[float, int, int, bool]], room: int
) -> None:
    counted = after(shape, start, steps)
    window = counted.window
    until = window.falls_to(shape, room)
    if until is None:
        assert counted.held > room
        return
    slot = shape.slot_at(until)
    assert until == slot * shape.slot_seconds
    assert window.rolled(shape, slot).total <= room
    if window.total > room:
        assert window.rolled(shape, shape.slot_at(until - 0.001)).total > room
    else:
        assert slot == window.slot


@pytest.mark.parametrize(("shape", "least", "most"), [(MINUTE, 64, 68), (DAY, 87_000, 90_000)])
@given(start=times)
def test_a_total_covers_no_less_and_no_more_than_its_shape_says(
    shape: Shape, least: int, most: int, start: float
) -> None:
    counted = Counted(shape, empty(shape.slot_at(start)))
    counted.count(1)
    forgotten = counted.window.falls_to(shape, 0)
    assert forgotten is not None
    assert least < forgotten - start <= most
    counted.at(forgotten - 0.001)
    assert counted.window.total == 1
    counted.at(forgotten)
    assert counted.window.total == 0


@pytest.mark.parametrize(("shape", "seconds"), [(MINUTE, 60), (DAY, 86_400)])
@given(start=st.floats(10, 200_000), clocks=st.tuples(st.floats(-2, 2), st.floats(-2, 2)))
def test_what_one_clock_counts_no_other_that_is_seconds_ahead_forgets_too_soon(
    shape: Shape, seconds: int, start: float, clocks: tuple[float, float]
) -> None:
    one, other = clocks
    counted = Counted(shape, empty(shape.slot_at(start + one)))
    counted.count(1)
    counted.at(start + seconds + other)
    assert counted.window.total == 1


@given(times)
def test_the_slot_of_a_time_begins_before_it_and_ends_after_it(now: float) -> None:
    for shape in SHAPES:
        slot = shape.slot_at(now)
        assert slot * shape.slot_seconds <= now < (slot + 1) * shape.slot_seconds


def test_earlier_slots_stand_the_latest_first_and_empty_ones_at_the_end_are_left_out() -> None:
    window = Window(slot=10, now=3, earlier=(2, 0, 1), total=6)
    assert window.rolled(MINUTE, 11) == Window(11, 0, (3, 2, 0, 1), 6)
    assert window.rolled(MINUTE, 12) == Window(12, 0, (0, 3, 2, 0, 1), 6)
    assert window.rolled(MINUTE, 24) == Window(24, 0, (*(0,) * 13, 3, 2), 5)
    assert window.rolled(MINUTE, 27) == Window(27, 0, (), 0)


@given(st.integers(0, 10**6), st.integers(1, 10**9))
def test_a_leap_of_any_length_takes_no_time(slot: int, leap: int) -> None:
    assume(leap > MINUTE.earlier_slots)
    assert Window(slot, 5, (4, 3), 14).rolled(MINUTE, slot + leap) == Window(slot + leap, 0, (), 2)

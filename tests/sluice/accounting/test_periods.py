"""Periods are those of the calendar, in UTC, and never go back."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.accounting.periods import BudgetPeriod, current_period, period_at, period_end

FIRST = datetime(2001, 1, 1, tzinfo=UTC).timestamp()
LAST = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
TIMES = st.floats(FIRST, LAST)
ENDING: st.SearchStrategy[BudgetPeriod] = st.sampled_from(["daily", "monthly"])
KINDS: st.SearchStrategy[BudgetPeriod | None] = st.sampled_from([None, "lifetime", "daily", "monthly"])


def epoch(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("period", "end"),
    [
        ("2026-11-21", epoch(2026, 11, 22)),
        ("2026-11-30", epoch(2026, 12, 1)),
        ("2026-12-31", epoch(2027, 1, 1)),
        ("2024-02-28", epoch(2024, 2, 29)),
        ("2024-02-29", epoch(2024, 3, 1)),
        ("2023-02-28", epoch(2023, 3, 1)),
        ("2100-02-28", epoch(2100, 3, 1)),
        ("2026-11", epoch(2026, 12, 1)),
        ("2026-12", epoch(2027, 1, 1)),
        ("2024-02", epoch(2024, 3, 1)),
    ],
)
def test_a_period_ends_with_its_day_or_month(period: str, end: float) -> None:
    assert period_end(period) == end


def test_a_lifetime_has_no_end() -> None:
    assert period_at("lifetime", 0) == period_at(None, LAST) == "lifetime"
    assert period_end("lifetime") is None


@given(ENDING, TIMES)
def test_a_moment_is_in_its_period_which_ends_where_the_next_begins(kind: BudgetPeriod, now: float) -> None:
    period = period_at(kind, now)
    end = period_end(period)
    assert end is not None
    assert now < end
    assert period_at(kind, end) > period
    assert period_at(kind, end - 1) == period


@given(st.dates(date(2001, 1, 1), date(2199, 12, 31)), st.integers(0, 86_399))
def test_a_period_is_named_by_the_calendar(day: date, second: int) -> None:
    now = epoch(day.year, day.month, day.day) + second
    assert period_at("daily", now) == day.isoformat()
    assert period_at("monthly", now) == day.isoformat()[:7]
    tomorrow = day + timedelta(days=1)
    assert period_end(day.isoformat()) == epoch(tomorrow.year, tomorrow.month, tomorrow.day)


@given(KINDS, TIMES, TIMES)
def test_names_sort_by_time(kind: BudgetPeriod | None, one: float, other: float) -> None:
    earlier, later = sorted((one, other))
    assert period_at(kind, earlier) <= period_at(kind, later)


@given(KINDS, st.lists(TIMES, min_size=1, max_size=20))
def test_a_clock_that_goes_back_stays_in_the_period_that_has_begun(
    kind: BudgetPeriod | None, times: list[float]
) -> None:
    counted = ""
    for now in times:
        following = current_period(kind, now, counted)
        assert following >= counted
        assert following == max(period_at(kind, now), counted)
        counted = following


@given(KINDS, KINDS, TIMES, TIMES)
def test_a_key_that_changes_its_kind_of_period_begins_one_of_the_new_kind(
    before: BudgetPeriod | None, kind: BudgetPeriod | None, then: float, now: float
) -> None:
    counted = period_at(before, then)
    if len(counted) != len(period_at(kind, now)):
        assert current_period(kind, now, counted) == period_at(kind, now)

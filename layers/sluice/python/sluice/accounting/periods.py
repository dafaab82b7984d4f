"""Budget periods: the stretches of time, in UTC, over which a budget is spent.

A period is named by a text: ``lifetime``, a day such as ``2026-11-21`` or a month such as ``2026-11``. Names of one
kind sort by time.
"""

import calendar
import time
from typing import Literal

BudgetPeriod = Literal["lifetime", "daily", "monthly"]

LIFETIME = "lifetime"
"""The one period that never ends; what a key without a budget spends is counted in it too."""

_FORMATS: dict[BudgetPeriod, str] = {"daily": "%Y-%m-%d", "monthly": "%Y-%m"}


def period_at(kind: BudgetPeriod | None, now: float) -> str:
    """The name of the period that the epoch second ``now`` is in."""
    if kind is None or kind == LIFETIME:
        return LIFETIME
    return time.strftime(_FORMATS[kind], time.gmtime(now))


def current_period(kind: BudgetPeriod | None, now: float, counted: str) -> str:
    """The period to count in, where ``counted`` is the one that was counted in last.

    Time does not go back: a clock that is behind the one that began a period counts in that period too. Periods of
    two kinds cannot be compared; there the key's kind decides.
    """
    period = period_at(kind, now)
    return max(period, counted) if len(period) == len(counted) else period


def period_end(period: str) -> float | None:
    """The epoch second at which a period ends; None for the one that does not."""
    if period == LIFETIME:
        return None
    year, month, *day = (int(part) for part in period.split("-"))
    days = day[0] if day else calendar.monthrange(year, month)[1]
    return float(calendar.timegm((year, month, days, 24, 0, 0)))

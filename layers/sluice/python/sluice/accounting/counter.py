"""What a key has used of its limits and its budget, and what requests in flight hold of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sluice.accounting.periods import BudgetPeriod
from sluice.accounting.windows import Window


@dataclass(frozen=True, slots=True)
class Limits:
    """A key's limits; None is "no such limit". The budget is in nano-USD."""

    rpm: int | None = None
    tpm: int | None = None
    tpd: int | None = None
    budget: int | None = None
    budget_period: BudgetPeriod | None = None

    @property
    def bounded(self) -> bool:
        """Whether a request has to be bounded in tokens or money to be admitted."""
        return any(limit is not None for limit in (self.tpm, self.tpd, self.budget))


@dataclass(frozen=True, slots=True)
class Hold:
    """What a request in flight has taken: nano-USD and tokens, until it is settled or ``expires_at`` (epoch seconds).

    The money is of the budget's ``period``; once that is over, the hold is no part of the counter's ``used``.
    """

    amount: int
    tokens: int
    expires_at: int
    period: str


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request proves to have used: nano-USD and tokens. Nothing, where it failed."""

    cost: int
    tokens: int


NOTHING = Charge(0, 0)


@dataclass(frozen=True, slots=True)
class Counter:
    """A key's counter. ``used`` is what is spent and held in ``period``, in nano-USD."""

    requests: Window
    minute_tokens: Window
    day_tokens: Window
    period: str
    used: int
    holds: Mapping[str, Hold] = field(default_factory=dict)
    """By request id."""
    last_used_at: int = 0
    """Epoch seconds of the last admission."""
    corrections: int = 0
    """How many repairs have set ``used`` right."""

    @property
    def held(self) -> int:
        """The part of ``used`` that is not spent."""
        return sum(hold.amount for hold in self.holds.values() if hold.period == self.period)

    def expired(self, now: float) -> Mapping[str, Hold]:
        """The holds whose process must be dead at the epoch second ``now``."""
        return {name: hold for name, hold in self.holds.items() if hold.expires_at <= now}

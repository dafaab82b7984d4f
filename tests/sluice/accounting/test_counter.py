"""What a counter says of its holds, and limits of whether they bound a request."""

import pytest

from sluice.accounting.counter import Counter, Hold, Limits
from sluice.accounting.windows import empty

HOLDS = {
    "req_past": Hold(amount=100, tokens=1, expires_at=1000, period="2026-10"),
    "req_one": Hold(amount=7, tokens=2, expires_at=1001, period="2026-11"),
    "req_two": Hold(amount=5, tokens=3, expires_at=2000, period="2026-11"),
}
COUNTER = Counter(empty(1), empty(1), empty(1), period="2026-11", used=20, holds=HOLDS)


def test_what_is_held_is_of_the_period_that_is_counted_in() -> None:
    assert COUNTER.held == 12


@pytest.mark.parametrize(
    ("now", "names"),
    [
        (999.999, set()),
        (1000.0, {"req_past"}),
        (1000.999, {"req_past"}),
        (1001.0, {"req_past", "req_one"}),
        (2000.0, set(HOLDS)),
    ],
)
def test_a_hold_has_expired_from_its_second_on(now: float, names: set[str]) -> None:
    expired = COUNTER.expired(now)
    assert set(expired) == names
    assert all(expired[name] is HOLDS[name] for name in names)


@pytest.mark.parametrize(
    ("limits", "bounded"),
    [
        (Limits(), False),
        (Limits(rpm=1), False),
        (Limits(tpm=1), True),
        (Limits(tpd=1), True),
        (Limits(budget=0), True),
        (Limits(rpm=1, tpm=1, tpd=1, budget=1), True),
    ],
)
def test_tokens_and_money_bound_a_request_and_the_number_of_requests_does_not(
    limits: Limits, bounded: bool
) -> None:
    assert limits.bounded is bounded

"""When another attempt is made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.config import WebhookSettings
from sluice.pipeline.jobs.webhooks.schedule import LONGEST_SECONDS, is_taken, next_delay
from sluice.upstream.public import Answer

DELAYS = WebhookSettings(jobs_table="t", jobs_bucket="b").webhook_delays
STATUSES = st.integers(100, 599)


def test_the_schedule_is_the_specifications() -> None:
    assert [round(delay / 60, 2) for delay in DELAYS] == [0.08, 5, 30, 120, 300, 600, 840, 1200, 1440]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226, 299])
def test_what_takes_the_message(status: int) -> None:
    assert is_taken(status)


@pytest.mark.parametrize(
    "status", [100, 101, 199, 300, 301, 302, 307, 308, 400, 401, 404, 408, 410, 429, 500, 503]
)
def test_what_does_not(status: int) -> None:
    assert not is_taken(status)


@given(STATUSES.filter(lambda status: status != 410) | st.none(), st.floats(0, 1, exclude_max=True))
def test_whatever_goes_wrong_is_tried_again_until_the_schedule_ends(
    status: int | None, chance: float
) -> None:
    answer = None if status is None else Answer(status, None)
    for count, delay in enumerate(DELAYS, start=1):
        found = next_delay(DELAYS, count, answer, chance)
        assert found is not None
        assert delay <= found <= delay * 1.2 + 1
    assert next_delay(DELAYS, len(DELAYS) + 1, answer, chance) is None


def test_who_is_gone_is_not_called_again() -> None:
    assert next_delay(DELAYS, 1, Answer(410, None), 0) is None
    assert next_delay(DELAYS, 1, Answer(410, 5), 0) is None


@pytest.mark.parametrize(
    ("asked", "delay"),
    [(0.0, 5), (4.0, 5), (7.2, 8), (3600.0, 3600), (1e18, LONGEST_SECONDS), (float("inf"), LONGEST_SECONDS)],
)
def test_a_receiver_may_put_it_off(asked: float, delay: int) -> None:
    assert next_delay(DELAYS, 1, Answer(503, asked), 0) == delay


def test_no_schedule_is_one_attempt() -> None:
    assert next_delay((), 1, None, 0) is None

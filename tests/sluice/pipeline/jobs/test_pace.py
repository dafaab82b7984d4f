"""How long a provider is left alone: soon at first, and never so often that an execution runs out of events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.pipeline.jobs.pace import Pace

PACE = Pace(shortest=2, longest=30)
HOUR = 3_600.0


@pytest.mark.parametrize(("age", "pause"), [(0, 2), (5, 2), (20, 4), (100, 20), (150, 30), (3_000, 30)])
def test_it_grows_with_the_age(age: float, pause: int) -> None:
    assert PACE.pause(age, HOUR) == pause


def test_what_the_provider_says_counts_for_more_within_bounds() -> None:
    assert PACE.pause(0, HOUR, poll_after=10) == 10
    assert PACE.pause(100, HOUR, poll_after=7.2) == 8
    assert PACE.pause(0, HOUR, poll_after=900) == 30
    assert PACE.pause(0, HOUR, poll_after=0) == 2


def test_one_that_wants_to_be_left_alone_is() -> None:
    assert PACE.pause(0, HOUR, at_least=12) == 12
    assert PACE.pause(150, HOUR, at_least=1) == 30


def test_it_is_asked_once_more_when_the_time_is_over() -> None:
    assert PACE.pause(3_000, 4.5) == 5
    assert PACE.pause(3_000, -1) == 1


def test_a_test_needs_not_wait() -> None:
    assert Pace(0, 0).pause(50, HOUR) == 0


@given(st.floats(0, 10), st.floats(0, 60))
def test_an_hour_is_not_too_many_questions(first: float, poll_after: float) -> None:
    age, questions = first, 0
    while age < HOUR:
        age += PACE.pause(age, HOUR - age, poll_after=poll_after)
        questions += 1
    assert questions * 15 < 25_000 / 4

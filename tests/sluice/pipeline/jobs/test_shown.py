"""What clients see of jobs; their replies are tested with the functions."""

from typing import get_args

import pytest

from made_jobs import NOON, made_job
from sluice.api.job_reply import JobFailure
from sluice.errors import InternalError
from sluice.pipeline.jobs.failures import WORDS, FailureCode
from sluice.pipeline.jobs.poll_headers import POLL_AFTER, poll_headers
from sluice.pipeline.jobs.shown import STATUS, error_of, poll_seconds
from sluice.stores.job_records import OVER_STATES, JobState


def test_a_job_is_over_for_its_client_when_it_is_over() -> None:
    assert STATUS.keys() == set(get_args(JobState.__value__ if hasattr(JobState, "__value__") else JobState))
    assert {state for state, told in STATUS.items() if told in ("completed", "failed")} == set(OVER_STATES)


@pytest.mark.parametrize("code", get_args(FailureCode))
def test_every_failure_is_an_error_and_ours_tells_nothing(code: FailureCode) -> None:
    error = error_of(JobFailure(code=code, message="words"))
    assert error.message == (InternalError.TOLD if code == "server_error" else "words")
    assert error.status == (400 if error.code == code and code != "upstream_error" else error.status)


def test_a_failure_that_is_not_known_is_ours() -> None:
    assert isinstance(error_of(JobFailure(code="new", message="secret")), InternalError)
    assert "new" not in WORDS


@pytest.mark.parametrize(("age", "seconds"), [(-5, 1), (0, 1), (10, 1), (50, 5), (100, 10), (10_000, 10)])
def test_who_has_waited_long_looks_less_often(age: float, seconds: float) -> None:
    assert poll_seconds(made_job(), NOON + age) == seconds


def test_a_job_that_is_over_is_not_looked_at_again() -> None:
    assert poll_headers(made_job(state="completed")).keys() == {POLL_AFTER}
    assert poll_headers(made_job()).keys() == {POLL_AFTER, "retry-after"}

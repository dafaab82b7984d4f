"""What a provider's failure means for a job."""

import pytest

from sluice.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    OverloadedError,
    RequestTooLargeError,
    SluiceError,
    UnsupportedParameterError,
    UpstreamError,
    UpstreamTimeoutError,
)
from sluice.pipeline.jobs.causes import cause_of, is_final, is_not_taken, most_telling_cause
from sluice.pipeline.jobs.failures import FailureCode, PassingError, RefusedError

POLICY = InvalidRequestError("Not that.", code="content_policy_violation")
BAD = InvalidRequestError("A prompt is too long.")
BUSY = OverloadedError("Later.", retry_after=3)
REFUSED = UpstreamError("The provider refused the gateway's credential.", retriable=False)

CASES: list[tuple[SluiceError, FailureCode, bool]] = [
    (POLICY, "content_policy_violation", False),
    (InvalidRequestError("Not that.", code="moderation_blocked"), "content_policy_violation", False),
    (BAD, "invalid_request", False),
    (UnsupportedParameterError("No seed.", param="seed"), "invalid_request", False),
    (RequestTooLargeError("Too large."), "invalid_request", False),
    (ModelNotFoundError("Gone."), "upstream_error", False),
    (REFUSED, "upstream_error", False),
    (UpstreamError("It is no picture.", code="invalid_output", retriable=False), "invalid_output", False),
    (BUSY, "upstream_error", True),
    (UpstreamTimeoutError("Too late."), "upstream_error", True),
    (UpstreamError("Nonsense."), "upstream_error", True),
]


@pytest.mark.parametrize(("error", "code", "passes"), CASES, ids=str)
def test_each_failure_has_a_code(error: SluiceError, code: FailureCode, passes: bool) -> None:
    cause = cause_of(error)
    assert (cause.code, cause.words, cause.passes) == (code, error.message, passes)
    raised = cause.task_error()
    assert type(raised) is (PassingError if passes else RefusedError)
    assert (raised.code, raised.words) == (code, error.message)
    assert str(raised) == code, "the execution's history has no client's words"


def test_what_a_policy_has_refused_is_not_carried_on() -> None:
    assert is_final(POLICY)
    assert not any(is_final(error) for error in (BAD, BUSY, REFUSED))


def test_of_several_failures_one_that_passes_counts() -> None:
    assert most_telling_cause([BAD, BUSY, REFUSED]).words == BUSY.message
    assert most_telling_cause([BAD, REFUSED]).words == BAD.message
    assert most_telling_cause([BUSY, POLICY]).code == "content_policy_violation"


def answered(status: int, error: SluiceError) -> SluiceError:
    error.upstream_status = status
    return error


@pytest.mark.parametrize("status", [401, 403, 404, 408, 409, 429, 503, 529])
def test_such_an_answer_says_that_nothing_was_begun(status: int) -> None:
    assert is_not_taken(answered(status, UpstreamError("no")))


@pytest.mark.parametrize("status", [200, 500, 502, 504])
def test_such_an_answer_does_not(status: int) -> None:
    assert not is_not_taken(answered(status, UpstreamError("perhaps")))


def test_nothing_was_begun_without_a_connection() -> None:
    error = UpstreamTimeoutError("No connection.")
    assert not is_not_taken(error)
    error.unheard = True
    assert is_not_taken(error)

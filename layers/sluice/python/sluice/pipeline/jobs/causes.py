"""What the failure of a provider means for a job: under which code it fails, and whether another attempt may help."""

from dataclasses import dataclass

from sluice.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    OverloadedError,
    SluiceError,
    UpstreamError,
    UpstreamTimeoutError,
)
from sluice.pipeline.jobs.failures import FailureCode, PassingError, RefusedError, TaskError

POLICY_CODES = frozenset(
    {"content_policy_violation", "content_filter", "moderation_blocked", "safety_violation"}
)
"""Codes by which a provider's module says that its provider's policy has refused what was asked for."""

NOT_TAKEN_STATUSES = frozenset({*range(400, 500), 503, 529})
"""Answers that say for certain that nothing is being made. Any other may come from a proxy, of work that goes on."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why.

    Attributes:
        code: what the job fails with.
        words: what its client is told.
        passes: whether another attempt may succeed.
    """

    code: FailureCode
    words: str
    passes: bool

    def task_error(self) -> TaskError:
        """As the job's machine is to see it."""
        return (PassingError if self.passes else RefusedError)(self.code, self.words)


def cause_of(error: SluiceError) -> Cause:
    """What a failure means."""
    match error:
        case ModelNotFoundError():
            return Cause("upstream_error", error.message, passes=False)
        case InvalidRequestError() if error.code in POLICY_CODES:
            return Cause("content_policy_violation", error.message, passes=False)
        case InvalidRequestError():
            return Cause("invalid_request", error.message, passes=False)
        case OverloadedError() | UpstreamTimeoutError():
            return Cause("upstream_error", error.message, passes=True)
        case UpstreamError() if error.code == "invalid_output":
            return Cause("invalid_output", error.message, passes=False)
        case UpstreamError():
            return Cause("upstream_error", error.message, passes=error.retriable is not False)
        case _:
            return Cause("server_error", error.message, passes=True)


def is_final(error: SluiceError) -> bool:
    """Whether nobody else is to be asked: what one provider's policy has refused is not carried to the next one."""
    return cause_of(error).code == "content_policy_violation"


def is_not_taken(error: SluiceError) -> bool:
    """Whether it is certain that the provider has not begun what it was asked for."""
    if error.unheard or isinstance(error, InvalidRequestError):
        return True
    return error.upstream_status in NOT_TAKEN_STATUSES


def most_telling_cause(failures: list[SluiceError]) -> Cause:
    """Of the failures of all legs, the one that counts: one that passes, if there is one; else the first.

    A request that one provider cannot express may be made by another one that is only busy.
    """
    causes = [cause_of(error) for error in failures]
    final = [cause for cause in causes if cause.code == "content_policy_violation"]
    passing = [cause for cause in causes if cause.passes]
    return (final or passing or causes)[0]

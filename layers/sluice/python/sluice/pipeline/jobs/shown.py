"""What clients see of any job, and when they had better look again."""

from collections.abc import Mapping
from typing import Final

from sluice.api.job_reply import JobFailure, JobStatus
from sluice.errors import InternalError, InvalidRequestError, SluiceError, UpstreamError, UpstreamTimeoutError
from sluice.pipeline.jobs.failures import FailureCode
from sluice.pipeline.jobs.owned import failure_of
from sluice.pipeline.jobs.studio import Studio
from sluice.stores.job_records import Job, JobState

STATUS: Final[Mapping[JobState, JobStatus]] = {
    "queued": "queued",
    "running": "in_progress",
    "finishing": "in_progress",
    "completed": "completed",
    "failing": "in_progress",
    "failed": "failed",
}
"""A result is seen when it is paid for, and a failure when nothing is held any more."""

SHORTEST_POLL_SECONDS: Final = 1.0
LONGEST_POLL_SECONDS: Final = 10.0
POLL_SHARE: Final = 0.1
"""The share of a job's age after which it is worth another look: what has taken long may take longer."""

_ERRORS: Final[Mapping[FailureCode, type[SluiceError]]] = {
    "cancelled": InvalidRequestError,
    "content_policy_violation": InvalidRequestError,
    "invalid_request": InvalidRequestError,
    "invalid_output": UpstreamError,
    "upstream_error": UpstreamError,
    "timeout": UpstreamTimeoutError,
    "server_error": InternalError,
}
"""What a client is answered that waits for a job which fails."""


def status_of(job: Job) -> JobStatus:
    """How far a job is."""
    return STATUS[job.state]


async def failure_shown(studio: Studio, job: Job) -> JobFailure | None:
    """Why a job has failed; None if it has not.

    Raises:
        OverloadedError: it could not be read.
    """
    if job.state != "failed":
        return None
    code, message = await failure_of(studio, job)
    return JobFailure(code=code, message=message)


def error_of(failure: JobFailure) -> SluiceError:
    """The failure as the reply to a request that was waiting. The client's own fault is told by the failure's code."""
    kind = next((kind for code, kind in _ERRORS.items() if code == failure.code), InternalError)
    if kind is InternalError:
        return InternalError(InternalError.TOLD)
    return kind(failure.message, code=failure.code if kind is InvalidRequestError else None)


def poll_seconds(job: Job, now: float) -> float:
    """After how many seconds a client may look again; ``now`` is in epoch seconds."""
    age = now - job.created_at / 1000
    return min(max(SHORTEST_POLL_SECONDS, age * POLL_SHARE), LONGEST_POLL_SECONDS)

"""How tasks of a job fail, by names that the state machines know, and what a client is told of a job that failed.

JobOverError      it was decided otherwise, or the job is gone: nothing is left to do  (``stores.jobs``)
RefusedError      another attempt would fail alike: the provider refuses, or what it sends is no picture
PassingError      another attempt may succeed: the machine's Retry makes it
"""

from collections.abc import Mapping
from typing import Final, Literal

FailureCode = Literal[
    "cancelled",
    "content_policy_violation",
    "invalid_output",
    "invalid_request",
    "timeout",
    "upstream_error",
    "server_error",
]

WORDS: Final[Mapping[str, str]] = {
    "cancelled": "It was cancelled.",
    "content_policy_violation": "The provider refused it by its content policy.",
    "invalid_output": "What the provider sent is not what was asked for.",
    "invalid_request": "The provider refused the request.",
    "timeout": "It took too long.",
    "upstream_error": "The provider failed.",
    "server_error": "The gateway failed.",
}
"""What a client is told where the provider has said nothing itself."""


class TaskError(Exception):
    """A task failed in a way that its machine knows. It goes into the execution's history: never with a client's words.

    Args:
        code: why, as the job will have it.
        words: what the client is told, in the job's ``failure.json``; None for ``WORDS``.
    """

    def __init__(self, code: FailureCode, words: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.words = words


class RefusedError(TaskError):
    """Another attempt would fail alike."""


class PassingError(TaskError):
    """Another attempt may succeed."""

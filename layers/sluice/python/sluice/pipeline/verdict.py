"""What the failure of one leg means for the others: ask it again, ask the next one, or tell the client."""

from collections.abc import Collection, Sequence
from typing import Literal

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
from sluice.pipeline.call import OutOfTimeError

Verdict = Literal["again", "next", "larger", "final"]
"""``again``: the same leg may do better later. ``next``: it will not, but another may. ``larger``: one with a larger
context may. ``final``: the client is at fault, or the gateway, and nobody will do better."""

TOO_LONG = "context_length_exceeded"

_PASSING_STATUSES = frozenset({409, 424, 425})
"""Of those below 500 that make no error of their own: a conflict, a model that failed; any other comes again."""

_TELLING: Sequence[type[SluiceError]] = (OverloadedError, UpstreamTimeoutError, UpstreamError)
"""Failures from the one that tells a client most, when to come again, to the one that tells least."""


def verdict_on(error: SluiceError, *, asked: bool) -> Verdict:
    """What to do after a failure.

    Args:
        error: it.
        asked: whether the provider was, and it was not the translation that failed.
    """
    match error:
        case ModelNotFoundError() | UnsupportedParameterError() | RequestTooLargeError() | OutOfTimeError():
            return "next"
        case InvalidRequestError():
            if not asked:
                return "next"
            return "larger" if error.code == TOO_LONG else "final"
        case UpstreamTimeoutError() | OverloadedError():
            return "again"
        case UpstreamError():
            status = error.upstream_status or 500
            passes = error.retriable is not False and (status >= 500 or status in _PASSING_STATUSES)
            return "again" if passes else "next"
        case _:
            return "final"


def most_telling(failures: Sequence[tuple[str, SluiceError]], asked: Collection[str] = ()) -> SluiceError:
    """Of the failures of all legs, the one to tell the client: the provider's rather than what the client asked for.

    Of several that say when to come again, the earliest; of several alike, the first.

    Args:
        failures: each with its provider's name in the catalogue; there is at least one.
        asked: the names of all that were asked, each once. Of several the client is told, in the gateway's words.
    """
    name, error = min(failures, key=lambda failure: _rank(failure[1]))
    if len(asked) < 2 or not isinstance(error, tuple(_TELLING)):
        return error
    return error.saying(f"None of {', '.join(asked)} answered; {name}: {error.message}")


def _rank(error: SluiceError) -> tuple[int, bool, float]:
    kind = next((rank for rank, each in enumerate(_TELLING) if isinstance(error, each)), len(_TELLING))
    return kind, error.retriable is False, error.retry_after or 0.0

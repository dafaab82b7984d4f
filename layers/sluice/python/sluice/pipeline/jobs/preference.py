"""Whether a client waits for its pictures, or wants a job to look at.

It says so in the request's ``async``, or by the header ``Prefer: respond-async, wait=10``: then it gets the pictures if
they are there in ten seconds, or else the job. A preference that is not understood is none.

Source: RFC 7240.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

HEADER: Final = "prefer"
APPLIED: Final = "preference-applied"
RESPOND_ASYNC: Final = "respond-async"
WAIT: Final = "wait"
MEMBER: Final = "async"

_PREFERENCE = re.compile(
    r'\s*([!#$%&\'*+.^_`|~0-9a-z-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?\s*(?:;[^,]*)?'
)
_SECONDS = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Preference:
    """How a client wants to be answered.

    Attributes:
        asynchronous: whether it takes a job for an answer.
        wait_seconds: how long it waits for the pictures before that.
        applied: what the reply with a job says in ``Preference-Applied``; None where no header asked for it.
    """

    asynchronous: bool = False
    wait_seconds: int = 0
    applied: str | None = None

    @classmethod
    def of(cls, header: str | None, raw: Mapping[str, Any]) -> Self:
        """That of a request, by its header and its members."""
        told = _preferences(header or "")
        if RESPOND_ASYNC not in told:
            return cls(asynchronous=raw.get(MEMBER) is True)
        seconds = told.get(WAIT, "")
        if not _SECONDS.fullmatch(seconds):
            return cls(asynchronous=True, applied=RESPOND_ASYNC)
        return cls(
            asynchronous=True, wait_seconds=int(seconds), applied=f"{RESPOND_ASYNC}, {WAIT}={int(seconds)}"
        )


def _preferences(header: str) -> Mapping[str, str]:
    """By name; of two of the same name the first counts."""
    found: dict[str, str] = {}
    for part in header.lower().split(","):
        if match := _PREFERENCE.fullmatch(part):
            found.setdefault(match[1], (match[2] or "").strip('"'))
    return found

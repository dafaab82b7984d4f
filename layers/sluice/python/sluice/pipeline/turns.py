"""Which leg of a plan is asked next, when, and for how long it is waited for.

Another leg is better than waiting: each is asked once before any is asked again. What may pass is asked again after a
pause, as often as the settings allow, if enough of the request's time is left to answer in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from sluice.api.model_request import ModelRequest
from sluice.errors import SluiceError
from sluice.pipeline.circuits import Circuits
from sluice.pipeline.leg import Leg
from sluice.pipeline.verdict import Verdict

REASONING = "reasoning"
"""The catalogue's capability of a model that thinks before it answers: many say nothing while they do."""

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 4.0
"""Pauses are drawn from 0 up to these, the limit doubling from one to the other: requests that failed together do not
come back together. (Full jitter, https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)"""

LONGEST_WAIT_SECONDS = 5.0
"""A provider that wants more time than this is not waited for: the client, who is told for how long, waits better."""

PATIENCE = 2 / 3
"""The share of what is left of a request's time that a leg has while another one could still be asked: enough for most
long answers, and enough is left for another try at it."""


@dataclass(frozen=True, slots=True)
class Turn[Request: ModelRequest]:
    """A leg's turn. ``at`` and ``patience``, until when it has to have begun, are times of the loop's clock."""

    leg: Leg[Request]
    at: float
    patience: float


class Turns[Request: ModelRequest]:
    """The turns of one request.

    Args:
        legs: in the order in which they are to be asked.
        circuits: know who is to be asked last.
        retries: how often a leg may be asked again, all in all.
        deadline: the request's, by the loop's clock.
        first_byte_seconds: how long a stream may take to begin while there is another leg.
        random: for the pauses; evenly distributed from 0 up to 1.
    """

    def __init__(
        self,
        legs: Sequence[Leg[Request]],
        circuits: Circuits,
        *,
        retries: int,
        deadline: float,
        first_byte_seconds: float,
        random: Callable[[], float],
    ) -> None:
        self._untried = list(legs)
        self._again: list[tuple[float, Leg[Request]]] = []
        self._circuits = circuits
        self._retries = retries
        self._deadline = deadline
        self._first_byte_seconds = first_byte_seconds
        self._random = random
        self._failures: dict[str, int] = {}

    def next(self, now: float) -> Turn[Request] | None:
        """The next turn; None if there is none."""
        if now >= self._deadline:
            return None
        if self._untried:
            leg = next(filter(self._is_well, self._untried), self._untried[0])
            self._untried.remove(leg)
            return Turn(leg, now, self._patience(leg, now))
        if not self._again or not self._retries:
            return None
        self._retries -= 1
        soonest = min(self._again, key=lambda each: each[0])
        self._again.remove(soonest)
        at, leg = soonest
        return Turn(leg, max(at, now), self._deadline)

    def failed(self, leg: Leg[Request], error: SluiceError, verdict: Verdict, now: float) -> None:
        """A leg has failed: it may be asked again, or others may not be asked any more."""
        match verdict:
            case "again":
                at = now + self._pause(leg, error)
                if at - now <= min(LONGEST_WAIT_SECONDS, (self._deadline - now) / 2):
                    self._again.append((at, leg))
            case "next":
                pass
            case "larger":
                self._untried = [each for each in self._untried if _is_larger(each, leg)]
                self._again = [each for each in self._again if _is_larger(each[1], leg)]
            case "final":
                self._untried, self._again = [], []
            case unknown:
                assert_never(unknown)

    def _pause(self, leg: Leg[Request], error: SluiceError) -> float:
        before = self._failures.get(leg.name, 0)
        self._failures[leg.name] = before + 1
        longest = min(FIRST_PAUSE_SECONDS * 2.0**before, LONGEST_PAUSE_SECONDS)
        return (error.retry_after or 0.0) + self._random() * longest

    def _patience(self, leg: Leg[Request], now: float) -> float:
        """One that is the last to be asked, or the last that is well, has all the time there is."""
        if not any(map(self._is_well, self._untried)):
            return self._deadline
        share = (self._deadline - now) * PATIENCE
        begins_soon = leg.request.streams and REASONING not in leg.row.capabilities
        return now + (min(share, self._first_byte_seconds) if begins_soon else share)

    def _is_well(self, leg: Leg[Request]) -> bool:
        return self._circuits.lets(leg.name, leg.candidate.provider)


def _is_larger(leg: Leg[ModelRequest], other: Leg[ModelRequest]) -> bool:
    one, two = leg.row.context_tokens, other.row.context_tokens
    return one is not None and two is not None and one > two

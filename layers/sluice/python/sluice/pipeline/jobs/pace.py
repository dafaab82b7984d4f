"""How long a video's provider is left alone between two questions: 2 seconds at first, 30 when it takes long."""

import math
from dataclasses import dataclass

SHARE_OF_AGE = 0.2
"""So a video is known to be there when a fifth more time has passed than it took, at most."""

LEAST_SHARE_OF_AGE = 0.05
"""The same where a provider wants to be asked sooner: an execution has 25,000 events, a dozen of them a question."""

CALLBACK_SECONDS = 120
"""How long a callback is waited for until the provider is asked all the same."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The shortest and the longest pause, in seconds."""

    shortest: float
    longest: float

    def pause(self, age: float, left: float, poll_after: float | None = None, at_least: float = 0) -> int:
        """The next pause, in whole seconds: a state machine has no others.

        Args:
            age: seconds since the video was submitted.
            left: seconds until the job is given up: it is asked once more just then.
            poll_after: when the provider wants to be asked, None where it does not say.
            at_least: how long it wants to be left alone.
        """
        usual = max(age * SHARE_OF_AGE, at_least)
        wanted = usual if poll_after is None else max(poll_after, age * LEAST_SHARE_OF_AGE)
        pause = min(max(wanted, self.shortest), self.longest)
        return math.ceil(min(pause, max(left, 1)))

"""How long a video's provider is left alone between two questions: 2 seconds at first, 30 when it takes long."""

import math
from dataclasses import dataclass

SHARE_OF_AGE = 0.2
"""So a video is known to be there when a fifth more time has passed than it took, at most."""

CALLBACK_SECONDS = 120
"""How long a callback is waited for until the provider is asked all the same."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The shortest and the longest pause, in seconds."""

    shortest: float
    longest: float

    def pause(self, age: float, poll_after: float | None, left: float) -> int:
        """The next pause, in whole seconds: a state machine has no others.

        Args:
            age: seconds since the video was submitted.
            poll_after: what the provider says, None where it says nothing.
            left: seconds until the job is given up: it is asked once more just then.
        """
        wanted = age * SHARE_OF_AGE if poll_after is None else poll_after
        pause = min(max(wanted, self.shortest), self.longest)
        return max(math.ceil(min(pause, max(left, 1))), 0)

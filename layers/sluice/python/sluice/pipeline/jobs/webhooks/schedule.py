"""When the next attempt to deliver is made, and whether there is one."""

import math
from collections.abc import Sequence
from typing import Final

from sluice.upstream.public import Answer

GONE: Final = 410
"""The receiver wants to hear no more: no other status ends the attempts, as receivers are mended."""

LONGEST_SECONDS: Final = 86_400
"""No receiver puts an attempt off for longer."""

JITTER: Final = 0.2
"""Up to so much of a delay is added, so that what has failed together is not repeated together."""


def is_taken(status: int) -> bool:
    """Whether a receiver has taken the message. A redirect is no yes, and is not followed."""
    return 200 <= status < 300


def next_delay(delays: Sequence[int], count: int, answer: Answer | None, chance: float) -> int | None:
    """Whole seconds until the next attempt; None where there is none.

    Args:
        delays: before each further attempt, in seconds.
        count: of the attempts there were, all of which failed.
        answer: to the last one, None without one.
        chance: between 0 and 1.
    """
    if count > len(delays) or (answer is not None and answer.status == GONE):
        return None
    delay = delays[count - 1] * (1 + JITTER * chance)
    asked = 0.0 if answer is None or answer.retry_after is None else answer.retry_after
    return math.ceil(max(delay, min(asked, LONGEST_SECONDS)))

"""One question to a provider, and its answer, within a deadline and a size."""

from collections.abc import Collection

from sluice.pipeline.call import body_of, failure_of_reply, within
from sluice.pipeline.jobs.legs import Way
from sluice.providers.contract import UpstreamRequest
from sluice.upstream.client import Upstream

TOO_LARGE = "The provider's answer is too large."

OK = frozenset({200})
TOLD = frozenset({200, 202})
"""Statuses of an answer to how a video is: xAI's is 202 until it is made."""

TAKEN = frozenset({200, 201, 202})
"""Statuses of a submission that was accepted."""

MOST_WORDS = 4 * 1024 * 1024
"""Bytes of an answer that has no picture in it."""


def room_for(most_bytes: int) -> int:
    """Bytes of an answer that has a file of so many bytes in base64, and words beside it."""
    return most_bytes * 4 // 3 + MOST_WORDS


async def answer_of(
    upstream: Upstream,
    way: Way,
    request: UpstreamRequest,
    *,
    deadline: float,
    most_bytes: int = MOST_WORDS,
    statuses: Collection[int] = OK,
) -> bytes:
    """The body of an answer that has one of these statuses.

    Args:
        upstream: sends it.
        way: to whom.
        request: the question.
        deadline: by the loop's clock.
        most_bytes: that the answer may have.
        statuses: those that are no failure.

    Raises:
        SluiceError: any other answer, or none. ``unheard`` and ``upstream_status`` tell how far it came.
    """
    async with within(deadline), upstream.send(request) as response:
        body = await body_of(response, most_bytes, TOO_LARGE)
        if response.status not in statuses:
            raise failure_of_reply(response, body, way.provider, way.target)
        return body

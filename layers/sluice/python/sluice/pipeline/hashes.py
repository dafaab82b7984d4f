"""requestHash and responseHash; a number out of range is the client's fault in one, the provider's in the other."""

import asyncio
from typing import Any

from sluice.api.hashing import NumberRangeError, canonical_digest
from sluice.errors import InvalidJSONError, UpstreamError

LARGE_BODY = 256 * 1024
"""Bytes from which a body is hashed in a thread: some megabytes take up to a second, which others would wait for."""


async def request_hash(body: dict[str, Any], size: int) -> str:
    """The hash of a request's parsed body, of ``size`` bytes as it came.

    Raises:
        InvalidJSONError: it holds a number that no double holds.
    """
    try:
        if size > LARGE_BODY:
            return await asyncio.to_thread(canonical_digest, body)
        return canonical_digest(body)
    except NumberRangeError as error:
        raise InvalidJSONError(
            "The JSON body of your request holds a number that is out of range."
        ) from error


def response_hash(reply: dict[str, Any]) -> str:
    """The hash of a reply without its two hashes.

    Raises:
        UpstreamError: it holds a number that no double holds.
    """
    try:
        return canonical_digest(reply)
    except NumberRangeError as error:
        raise UpstreamError("The provider's answer holds a number that is out of range.") from error

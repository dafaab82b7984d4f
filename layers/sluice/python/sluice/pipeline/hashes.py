"""requestHash and responseHash; a number out of range is the client's fault in one, the provider's in the other."""

import asyncio
from typing import Any

from pydantic_core import to_json

from sluice.api.hashing import NumberRangeError, canonical_digest
from sluice.errors import InvalidJSONError, UpstreamError

LARGE_BODY = 256 * 1024
"""Bytes from which JSON is hashed in a thread: some megabytes take up to a second, which others would wait for."""


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


async def hashed(reply: dict[str, Any], request_hash: str) -> tuple[bytes, str]:
    """A whole reply as JSON with the two hashes behind its own members, and its own hash.

    Raises:
        UpstreamError: it holds a number that no double holds.
    """
    body = to_json(reply)
    large = len(body) > LARGE_BODY
    digest = await asyncio.to_thread(response_hash, reply) if large else response_hash(reply)
    return body[:-1] + b"," + to_json({"requestHash": request_hash, "responseHash": digest})[1:], digest

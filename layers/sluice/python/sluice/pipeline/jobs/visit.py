"""Whose a request for jobs is, before anything else is looked at."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sluice.pipeline.authenticate import authenticate
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.path import Call
from sluice.pipeline.standing import standing_of
from sluice.stores.keys import KeyRecord


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client whose key is good wants made.

    Attributes:
        key: the client's.
        members: of the request's body.
    """

    key: KeyRecord
    members: dict[str, Any]


@asynccontextmanager
async def visited(studio: Studio, call: Call) -> AsyncGenerator[KeyRecord]:
    """The key of a request that takes no part of the key's limits, which its reply tells all the same.

    Raises:
        InvalidAPIKeyError: it has none that is good.
        RateLimitError: its client's address has had its requests.
        OverloadedError: nobody knows.
    """
    key = await _key_of(studio, call)
    async with standing_of(key, call.headers, studio.gateway.admitter) as standing:
        await call.allowed()
        await standing.tell_unadmitted()
        yield key


async def wanted(studio: Studio, call: Call, read: Callable[[bytes], dict[str, Any]]) -> Wanted:
    """What a request that may make a job wants; no body is read before its key is known.

    Raises:
        InvalidAPIKeyError: it is not.
        InvalidRequestError: it is no body that ``read`` can read.
        OverloadedError: nobody knows.
    """
    key = await _key_of(studio, call)
    async with standing_of(key, call.headers, studio.gateway.admitter):
        return Wanted(key, read(call.body))


async def _key_of(studio: Studio, call: Call) -> KeyRecord:
    key = await authenticate(call.authorization, studio.gateway.keys, time.time())
    call.record.key_id = key.id
    return key

"""Whose a request for jobs is, before anything else is looked at."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sluice.pipeline.authenticate import authenticate
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.path import Call
from sluice.pipeline.standing import standing_of
from sluice.stores.keys import KeyRecord


@asynccontextmanager
async def visited(studio: Studio, call: Call) -> AsyncGenerator[KeyRecord]:
    """The key of a request that takes no part of the key's limits, which its reply tells all the same.

    Raises:
        InvalidAPIKeyError: it has none that is good.
        RateLimitError: its client's address has had its requests.
        OverloadedError: nobody knows.
    """
    key = await authenticate(call.authorization, studio.gateway.keys, time.time())
    call.record.key_id = key.id
    async with standing_of(key, call.headers, studio.gateway.admitter) as standing:
        await call.allowed()
        await standing.tell_unadmitted()
        yield key


async def members(studio: Studio, call: Call, read: Callable[[bytes], dict[str, Any]]) -> dict[str, Any]:
    """The members of a request's body, of a client whose key is good.

    Raises:
        InvalidAPIKeyError: it is not.
        InvalidRequestError: it is no body that ``read`` can read.
        OverloadedError: nobody knows.
    """
    key = await authenticate(call.authorization, studio.gateway.keys, time.time())
    call.record.key_id = key.id
    async with standing_of(key, call.headers, studio.gateway.admitter):
        return read(call.body)

"""Runs the lifespan of several ASGI applications as one.

https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.types import ASGIApp, Message

from sluice.local.errors import LocalError

STARTED = "lifespan.startup.complete"
START_FAILED = "lifespan.startup.failed"


class LifespanError(LocalError):
    """An application said that it cannot start, or did not end well."""


@asynccontextmanager
async def lifespans(apps: Iterable[ASGIApp]) -> AsyncIterator[None]:
    """Start every application, and end those that were started, last first.

    Raises:
        Exception: what an application raised at its start.
        LifespanError: it reported a failure without raising.
    """
    async with AsyncExitStack() as stack:
        for app in apps:
            await stack.enter_async_context(_lifespan(app))
        yield


@asynccontextmanager
async def _lifespan(app: ASGIApp) -> AsyncIterator[None]:
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    task = asyncio.ensure_future(app(scope, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    answer = asyncio.ensure_future(from_app.get())
    await asyncio.wait({task, answer}, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done() or answer.result()["type"] == START_FAILED:
        answer.cancel()
        await task  # raises what went wrong, if anything was raised
        raise LifespanError("an application could not start")
    try:
        yield
    finally:
        await to_app.put({"type": "lifespan.shutdown"})
        await task

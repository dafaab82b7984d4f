"""The check of a request's address, which runs beside all else that is done for the request."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from sluice.errors import InternalError, SluiceError
from sluice.observability import logger

type Allowed = Callable[[], Awaitable[None]]
"""Returns once a request is known to be allowed, however often it is called. Raises the ``SluiceError`` that says why
it is not."""


@asynccontextmanager
async def under_way(check: Coroutine[Any, Any, None]) -> AsyncGenerator[Allowed]:
    """Run a check while the context lasts.

    It is over when the context is: one that nobody waited for is finished, because a client that leaves early counts
    too, and cancelled if the context's own task is.
    """
    checking = asyncio.create_task(_explained(check))

    async def allowed() -> None:
        await asyncio.shield(checking)

    try:
        yield allowed
    except asyncio.CancelledError:
        checking.cancel()
        raise
    finally:
        await asyncio.gather(checking, return_exceptions=True)


async def _explained(check: Coroutine[Any, Any, None]) -> None:
    """What goes wrong in a check becomes the reply, so it has to be an error that a client may see."""
    try:
        await check
    except SluiceError:
        raise
    except (
        Exception
    ) as error:  # whatever it is: it is told to the operator, and the client that the gateway failed
        logger.exception("the check of an address failed")
        raise InternalError(InternalError.TOLD) from error

"""Work that a request has begun and that must not stay half done."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def to_the_end[Result](work: Coroutine[Any, Any, Result]) -> Result:
    """Finish work although the request's task is cancelled, once or again; a cancellation is passed on afterwards.

    Raises:
        CancelledError: the task was cancelled meanwhile, whatever became of the work.
    """
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at: what was cancelled tells of its cancellation and of nothing else
        raise cancelled
    return task.result()

"""What a function is that events call: one coroutine, and the parts that it works with.

On Lambda an environment answers one event after another, on an event loop that lives as long as it does, so that
connections and caches survive between events. The development server answers many at a time, on its own loop.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sluice.observability import logger


class UnexpectedError(Exception):
    """A function failed in a way that nobody has foreseen.

    Its log says how; who called it is told no more than this, for an exception's message may hold a client's words.
    """


class Worker[Parts]:
    """A function's handler.

    Args:
        handle: answers an event.
        open_parts: builds what that takes; called once, at the first event.
        known: exceptions that the caller is to see as they are, by their names; any other becomes ``UnexpectedError``.
    """

    def __init__(
        self,
        handle: Callable[[Any, Parts], Awaitable[Any]],
        *,
        open_parts: Callable[[], Parts],
        known: tuple[type[Exception], ...] = (),
    ) -> None:
        self._handle = handle
        self._open_parts = open_parts
        self._known = known
        self._parts: Parts | None = None
        self._runner: asyncio.Runner | None = None

    def __call__(self, event: Any, _context: object) -> Any:
        """Answer an event, as Lambda calls it."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(self.answer(event))

    async def answer(self, event: Any) -> Any:
        """Answer an event on the loop that runs.

        Raises:
            UnexpectedError: it failed, and how is in the log.
        """
        if self._parts is None:
            self._parts = self._open_parts()
        try:
            return await self._handle(event, self._parts)
        except self._known:
            raise
        except Exception as error:  # whatever it is: see UnexpectedError
            logger.exception("a function failed")
            raise UnexpectedError(type(error).__name__) from None

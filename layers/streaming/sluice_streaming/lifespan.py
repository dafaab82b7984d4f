"""The application's life around its requests.

Source: https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

import asyncio
import logging
from typing import Any

from sluice_streaming.asgi import Application, Message

logger = logging.getLogger(__name__)


class LifespanStartupFailedError(Exception):
    """The application said that it cannot start; the message is its own."""


class Lifespan:
    """Starts an application before its first request and shuts it down after the last.

    An application that raises, or returns, without an answer to the startup event knows no lifespan and goes
    on without one.

    Args:
        application: the ASGI application.
    """

    def __init__(self, application: Application) -> None:
        self.state: dict[str, Any] = {}
        self._application = application
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._answered = asyncio.Event()
        self._answer: Message | None = None
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Let the application start up.

        Raises:
            LifespanStartupFailedError: it sent lifespan.startup.failed.
        """
        self._task = asyncio.create_task(self._run())
        await self._ask("lifespan.startup")
        if self._answer is not None and self._answer["type"] == "lifespan.startup.failed":
            raise LifespanStartupFailedError(self._answer.get("message", ""))

    async def shutdown(self) -> None:
        """Let the application shut down; what goes wrong there is logged."""
        if self._task is None or self._task.done():
            return
        await self._ask("lifespan.shutdown")
        if self._answer is not None and self._answer["type"] == "lifespan.shutdown.failed":
            logger.error("the application failed to shut down: %s", self._answer.get("message", ""))

    async def _ask(self, kind: str) -> None:
        self._answer = None
        self._answered.clear()
        self._events.put_nowait({"type": kind})
        await self._answered.wait()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._application(scope, self._events.get, self._send)
        except Exception as error:
            logger.info("the application's lifespan ended with %r", error)
        finally:
            self._answered.set()

    async def _send(self, message: Message) -> None:
        self._answer = message
        self._answered.set()

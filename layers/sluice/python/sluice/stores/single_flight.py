"""One look-up for all who ask for the same thing at the same time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class SingleFlight[Value]:
    """Look-ups under way, by what they look up."""

    def __init__(self) -> None:
        self._flights: dict[str, asyncio.Task[Value]] = {}

    async def get(self, key: str, look_up: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """Wait for the look-up of ``key``, starting it if none is under way.

        It outlives any caller: one that is cancelled does not end it for the others. Its failure is everybody's.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(look_up())
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(flight)

    def _land(self, key: str, flight: asyncio.Task[Value]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # looked at: a failure that nobody waits for any more is not to be reported

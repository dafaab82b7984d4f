"""Calls the functions that are called by events, as Lambda calls them.

A ``Worker`` answers on the loop that runs, as many events at a time as there are. Other handlers are not coroutines,
and run a loop of their own: each call is in a thread of its own.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from sluice.worker import Worker

END_SECONDS = 5
"""How long a handler that runs when the server ends may go on."""

type Handler = Callable[[Any, Any], Any]
"""Takes an event and a context (there is none here), and gives a reply."""


async def invoke(handler: Handler, event: Mapping[str, Any]) -> Any:
    """Call a handler, and give its reply or raise what it raises.

    A thread ends with the process, if not before: a handler that hangs keeps nobody from ending the server.
    """
    own = json.loads(json.dumps(event))
    if isinstance(handler, Worker):
        return json.loads(json.dumps(await handler.answer(own)))
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    done.add_done_callback(_look_at)

    def run() -> None:
        settle: Callable[[Any], None]
        try:
            settle, outcome = done.set_result, handler(own, None)
        except Exception as error:
            settle, outcome = done.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait({done}, timeout=END_SECONDS)
        raise


def _look_at(done: "asyncio.Future[Any]") -> None:
    """Take notice of an exception, which asyncio otherwise reports where nobody waits for it any more."""
    if not done.cancelled():
        done.exception()

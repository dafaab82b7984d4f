"""Passes what state machines call on to functions behind an endpoint of Lambda's API."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping

from sluice.local.blueprint import Blueprint
from sluice.local.bridge import Bridge, bridged, listeners
from sluice.local.far_functions import FarHandler


@contextlib.contextmanager
def far_bridge(
    blueprint: Blueprint, machines: Mapping[str, str], endpoint: str, listener: socket.socket
) -> Iterator[None]:
    """Serve a bridge on a thread while the context lasts.

    Args:
        blueprint: says which functions are called, and told.
        machines: the ARNs of state machines by their names in the template.
        endpoint: of Lambda's API, as ``host:port``.
        listener: bound, not yet listening.
    """
    handlers = {
        function.name: FarHandler(function.name, endpoint)
        for function in blueprint.functions
        if not function.routes
    }
    tasks = {name: handlers[name] for name in blueprint.tasks}
    bridge = Bridge(tasks, listeners(blueprint.functions, handlers), machines)
    loop, stop, serving = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        async with bridged(bridge, listener):
            serving.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    serving.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()

"""Where AWS's stand-in calls functions: what it would say to Lambda and to EventBridge.

They run in this process, or elsewhere: then this process passes the calls on (``local.far_functions.FarHandler``).

A port of the loopback, beside the gateway's own.
"""

import asyncio
import contextlib
import json
import re
import socket
import urllib.parse
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from sluice.local.blueprint import Function
from sluice.local.event_sources import ExecutionEnd
from sluice.local.far_functions import (
    ERROR_TYPE,
    EVENTS,
    FUNCTION_ERROR,
    INVOCATIONS,
    FunctionFailedError,
)
from sluice.local.invocations import Handler, invoke
from sluice.observability import logger

AT_ONCE = 100
"""How many calls of functions are carried out at a time; others wait. A picture or a video of each is in memory."""

END_SECONDS = 2.0
"""How long a call that is under way when the server ends may go on."""

_INVOCATION = re.compile(re.escape(INVOCATIONS).replace(r"\{\}", "([^/]+)"))


@dataclass(frozen=True, slots=True)
class Listener:
    """A function that is told of the ends of executions.

    Attributes:
        name: the function's.
        handler: the function.
        end: of which executions, and how they have to have ended.
    """

    name: str
    handler: Handler
    end: ExecutionEnd


def listeners(functions: Iterable[Function], handlers: Mapping[str, Handler]) -> Iterator[Listener]:
    """Those among the functions that the template has told of the ends of executions.

    Args:
        functions: the template's.
        handlers: of those that no client reaches, by their names.
    """
    for function in functions:
        for end in function.execution_ends:
            yield Listener(function.name, handlers[function.name], end)


class Bridge:
    """An ASGI application that carries out calls of functions, and hands events on.

    Args:
        handlers: the functions that state machines may call, by their names.
        listeners: those that are told of events.
        machines: the ARNs of state machines by their names in the template.
    """

    def __init__(
        self, handlers: Mapping[str, Handler], listeners: Iterable[Listener], machines: Mapping[str, str]
    ) -> None:
        self._handlers = handlers
        self._listeners: Sequence[Listener] = tuple(listeners)
        self._machines = machines
        self._room = asyncio.Semaphore(AT_ONCE)
        self._told: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; one that is cut off at the end has nobody to answer to."""
        with contextlib.suppress(asyncio.CancelledError):
            await self._answered(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        event = json.loads(await _body(receive))
        invocation = _INVOCATION.fullmatch(scope["path"])
        if invocation is not None:
            status, headers, reply = await self._called(urllib.parse.unquote(invocation[1]), event)
        elif scope["path"] == EVENTS:
            status, headers, reply = 202, {}, None
            self._hand_on(event)
        else:
            status, headers, reply = 404, {}, {"Message": "nothing lives at this path"}
        await _answer(send, status, headers, json.dumps(reply).encode())

    async def close(self) -> None:
        """End what is under way."""
        for task in self._told:
            task.cancel()
        await asyncio.gather(*self._told, return_exceptions=True)

    async def _called(self, name: str, event: Any) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body of the reply to a call, as Lambda gives it."""
        handler = self._handlers.get(name)
        if handler is None:
            code = "ResourceNotFoundException"
            return 404, {ERROR_TYPE: code}, {"Type": "User", "Message": f"Function not found: {name}"}
        try:
            async with self._room:
                return 200, {}, await invoke(handler, event)
        except FunctionFailedError as failure:  # elsewhere, where its caller was told already
            return 200, {FUNCTION_ERROR: "Unhandled"}, failure.reply
        except Exception as error:  # whatever a function raises: Lambda tells its caller, and has its log
            logger.debug("%s failed", name, exc_info=True)
            return (
                200,
                {FUNCTION_ERROR: "Unhandled"},
                {
                    "errorMessage": str(error),
                    "errorType": type(error).__name__,
                    "stackTrace": [],
                },
            )

    def _hand_on(self, event: Any) -> None:
        detail = event["detail"]
        if detail["error"] is not None:
            logger.warning("execution %s: %s (%s)", detail["name"], detail["status"], detail["error"])
        for listener in self._listeners:
            arns = [self._machines[name] for name in listener.end.machines]
            if detail["status"] in listener.end.statuses and detail["stateMachineArn"] in arns:
                task = asyncio.create_task(_tell(listener, event))
                self._told.add(task)
                task.add_done_callback(self._told.discard)


async def _tell(listener: Listener, event: Any) -> None:
    try:
        await invoke(listener.handler, event)
    except Exception:  # whatever a function raises: Lambda logs it too, and goes on
        logger.exception("%s, told of the end of an execution, failed", listener.name)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    named = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to the gateway's own, and waits for nobody for long at its end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is under way end, for a while; then cut it off, and close its callers' connections."""
        for server in self.servers:
            server.close()
        if self.server_state.tasks:
            await asyncio.wait(list(self.server_state.tasks), timeout=END_SECONDS)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # a call that is cut off is to know that nobody waits for it
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().shutdown(sockets)


@contextlib.asynccontextmanager
async def bridged(bridge: Bridge, listener: socket.socket) -> AsyncIterator[None]:
    """Serve a bridge while the context lasts; what is under way at its end has END_SECONDS, and is cut off then.

    Args:
        bridge: the application.
        listener: bound, not yet listening.
    """
    config = uvicorn.Config(bridge, access_log=False, lifespan="off", log_level="warning", ws="none")
    server = _Server(config)
    listener.listen(config.backlog)  # from here on calls are taken, and answered once the server runs
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        await serving
        await bridge.close()

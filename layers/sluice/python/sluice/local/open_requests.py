"""Keeps count of the requests that are being answered, and cuts them off where the server has to end."""

import asyncio
import time
from typing import Any

from pydantic_core import to_json
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sluice.asgi.security_headers import security_headers
from sluice.errors import OverloadedError, SluiceError, envelope, headers, masked
from sluice.observability import logger
from sluice.request_ids import new_request_id
from sluice.wire import sse

STREAM = b"text/event-stream"


class OpenRequests:
    """An ASGI application around another, whose requests can be counted and cut off.

    A request that is cut off is cancelled, which releases what it holds. Its client is told as far as its reply still
    lets it: with an enveloped 503, or with a stream's error line.

    Args:
        app: gets HTTP scopes only.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: set[asyncio.Task[Any]] = set()
        self._cutting = False

    def __len__(self) -> int:
        return len(self._open)

    def cut(self) -> None:
        """Cut off every request that is open."""
        self._cutting = True
        for task in self._open:
            task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a coroutine that runs is some task's)
        reply = _Reply(send)
        self._open.add(task)
        try:
            await self._app(scope, receive, reply.send)
        except asyncio.CancelledError:
            if not self._cutting:
                raise
            task.uncancel()
            await _take_leave(scope, receive, reply)
        finally:
            self._open.discard(task)


class _Reply:
    """Watches what has become of a reply."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.complete = False
        self.headers: dict[bytes, bytes] = {}

    async def send(self, message: Message) -> None:
        """Pass a message on, then take it down: a send that is cancelled has sent nothing."""
        await self._send(message)
        if message["type"] == "http.response.start":
            self.started = True
            self.headers = dict(message["headers"])
        else:
            self.complete = not message.get("more_body", False)


async def _take_leave(scope: Scope, receive: Receive, reply: _Reply) -> None:
    """Log that a request is cut off, and tell its client, if that is still possible."""
    if reply.complete:
        return
    error = OverloadedError("The development server was ended before this reply was.")
    request_id = reply.headers.get(b"x-request-id", b"").decode("latin-1") or new_request_id(time.time())
    logger.warning(
        "%s %s is cut off, because this server ends · %s", scope["method"], masked(scope["path"]), request_id
    )
    if not reply.started:
        await _refuse(reply, error, request_id)
    elif reply.headers.get(b"content-type", b"").startswith(STREAM):
        await _finish(reply, sse.frame(to_json(envelope(error))))
    else:  # half a body cannot be mended: the connection's end tells the client, and the server sees to that
        while (await receive())["type"] != "http.disconnect":
            pass


async def _refuse(reply: _Reply, error: SluiceError, request_id: str) -> None:
    body = to_json(envelope(error))
    fields = {
        **security_headers(deployed=False),
        "content-type": "application/json",
        "content-length": str(len(body)),
        "x-request-id": request_id,
        **headers(error),
    }
    encoded = [(name.encode(), value.encode()) for name, value in fields.items()]
    await reply.send({"type": "http.response.start", "status": error.status, "headers": encoded})
    await _finish(reply, body)


async def _finish(reply: _Reply, body: bytes) -> None:
    await reply.send({"type": "http.response.body", "body": body, "more_body": False})

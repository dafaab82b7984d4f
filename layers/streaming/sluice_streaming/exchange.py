"""One request and its reply between an ASGI application and the runtime.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import asyncio
from enum import Enum, auto

from sluice_streaming.asgi import Application, Message, Scope
from sluice_streaming.replies import Reply


class IncompleteResponseError(Exception):
    """The application returned before it had sent a whole response."""


class UnexpectedMessageError(RuntimeError):
    """The application sent a message that ASGI does not allow where it was sent."""


class _Stage(Enum):
    HEAD = auto()
    BODY = auto()
    COMPLETE = auto()


class Exchange:
    """The ``receive`` and ``send`` of one request.

    Args:
        scope: the request's ASGI scope.
        body: its body, which is known whole.
        reply: takes what the application sends.
    """

    def __init__(self, scope: Scope, body: bytes, reply: Reply) -> None:
        self._scope = scope
        self._body: bytes | None = body
        self._reply = reply
        self._stage = _Stage.HEAD
        self._complete = asyncio.Event()

    @property
    def complete(self) -> bool:
        """Whether the application has sent a whole response."""
        return self._stage is _Stage.COMPLETE

    async def run(self, application: Application) -> None:
        """Run the application to its return, which may come long after its last byte.

        Raises:
            IncompleteResponseError: it returned too early.
            Exception: what the application raised.
        """
        await application(self._scope, self.receive, self.send)
        if not self.complete:
            raise IncompleteResponseError(f"the application returned with its response at {self._stage.name}")

    async def receive(self) -> Message:
        """Give the request's body once, and http.disconnect when the response is complete.

        Whether the client is still there cannot be known on Lambda.
        """
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._complete.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Pass a message on; waits while the platform is slow to take it.

        Raises:
            UnexpectedMessageError: another message was due.
        """
        match self._stage, message["type"]:
            case _Stage.HEAD, "http.response.start":
                await self._reply.start(message["status"], message.get("headers", ()))
                self._stage = _Stage.BODY
            case _Stage.BODY, "http.response.body":
                await self._send_body(
                    bytes(message.get("body", b"")), last=not message.get("more_body", False)
                )
            case stage, kind:
                raise UnexpectedMessageError(f"{kind} was sent with the response at {stage.name}")

    async def _send_body(self, data: bytes, *, last: bool) -> None:
        if last:
            self._stage = _Stage.COMPLETE
            await self._reply.end(data)
            self._complete.set()
        elif data:
            await self._reply.write(data)

"""A client of an ASGI application, without a server."""

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any, Self

from starlette.types import ASGIApp

Message = MutableMapping[str, Any]


class Client:
    """The server's side of ASGI: hands out a body, takes the reply, and may go away."""

    def __init__(self, *body: bytes) -> None:
        self.sent: list[Message] = []
        self.gone = asyncio.Event()
        self.finished = asyncio.Event()
        self.read = 0
        self._body = list(body) or [b""]

    async def receive(self) -> Message:
        if self._body:
            part = self._body.pop(0)
            self.read += len(part)
            return {"type": "http.request", "body": part, "more_body": bool(self._body)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if message["type"] == "http.response.body" and not message["more_body"]:
            self.finished.set()

    async def ask(self, app: ASGIApp, path: str = "/", method: str = "POST", **scope: Any) -> Self:
        """Make a request; ``scope`` replaces members of the usual one."""
        headers = [(b"x-a", b"1"), (b"x-a", b"2")]
        usual = {"type": "http", "method": method, "path": path, "headers": headers}
        await app(usual | scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def error(self) -> Any:
        return json.loads(self.body)["error"]

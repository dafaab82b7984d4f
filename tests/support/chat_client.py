"""A client of the gateway that does not retry and keeps all that came back, also from a gateway that dies."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from sdk_clients import NO_AUTHORITIES

PATH = "/v1/chat/completions"
CLIENT_SECONDS = 180
DONE = b"data: [DONE]\n\n"

MEMBERS = {"message", "type", "param", "code"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client got. A ``status`` of None is a connection that broke before there was one.

    ``complete`` says that nothing is missing: of a stream, that it has come to its ``[DONE]``.
    """

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    complete: bool

    @property
    def succeeded(self) -> bool:
        """Whether it is a whole, good answer."""
        return self.status == 200 and self.complete

    @property
    def code(self) -> str | None:
        """The error's code; the reply must be an error in the envelope of the contract."""
        assert self.status is not None, "no reply came"
        assert self.status >= 400, self.body[:500]
        error: dict[str, str | None] = json.loads(self.body)["error"]
        assert error.keys() == MEMBERS, error
        assert error["message"]
        assert self.headers["content-type"] == "application/json"
        assert self.headers["x-request-id"].startswith("req_")
        return error["code"]


@asynccontextmanager
async def http_client() -> AsyncIterator[httpx.AsyncClient]:
    """As many connections as there are requests at once."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        timeout=CLIENT_SECONDS, limits=limits, trust_env=False, verify=NO_AUTHORITIES
    ) as client:
        yield client


async def ask(
    client: httpx.AsyncClient,
    url: str,
    secret: str,
    body: Mapping[str, Any],
    at_first_byte: Callable[[], None] = lambda: None,
    path: str = PATH,
) -> Answer:
    """Send a request to the gateway at ``url``, and read what comes until its end or until the connection breaks."""
    status: int | None = None
    headers: Mapping[str, str] = {}
    received = b""
    ended = False
    try:
        async with client.stream(
            "POST", url + path, json=body, headers={"authorization": f"Bearer {secret}"}
        ) as reply:
            status, headers = reply.status_code, reply.headers
            async for part in reply.aiter_raw():
                if not received:
                    at_first_byte()
                received += part
            ended = True
    except httpx.TransportError:
        pass
    streamed = headers.get("content-type", "").startswith("text/event-stream")
    return Answer(status, headers, received, ended and (not streamed or received.endswith(DONE)))

"""Official clients whose HTTP requests and replies can be looked at afterwards."""

import ssl
import time
from dataclasses import dataclass, field

import httpx
import httpx2
import openai

NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""All is plain HTTP here; reading the certificates of the world for each client would take most of the time."""


@dataclass
class Traffic:
    """What the clients of one session or test exchanged with the server."""

    requests: list[httpx2.Request] = field(default_factory=list)
    responses: list[httpx2.Response] = field(default_factory=list)
    bare: list[httpx.Response] = field(default_factory=list)
    """Replies to requests that no official client made."""
    asked_at: list[float] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)
    """When each request went out and each reply's head came, in seconds of the monotonic clock."""

    def asked(self, request: httpx2.Request) -> None:
        """A request goes out."""
        self.requests.append(request)
        self.asked_at.append(time.monotonic())

    def answered(self, response: httpx2.Response) -> None:
        """The head of a reply has come."""
        self.responses.append(response)
        self.answered_at.append(time.monotonic())

    @property
    def last(self) -> httpx2.Response:
        """The newest reply."""
        return self.responses[-1]

    def bodies(self) -> list[str]:
        """The text of every reply that was read as a whole, with its header lines."""
        official = [
            f"{reply.headers}\n{reply.text}" for reply in self.responses if hasattr(reply, "_content")
        ]
        return official + [
            f"{reply.headers}\n{reply.text}" for reply in self.bare if hasattr(reply, "_content")
        ]


def sync_client(base_url: str, key: str, traffic: Traffic, *, max_retries: int = 0) -> openai.OpenAI:
    """The blocking client; close it."""
    http = openai.DefaultHttpxClient(
        verify=NO_AUTHORITIES,
        event_hooks={"request": [traffic.asked], "response": [traffic.answered]},
    )
    return openai.OpenAI(
        base_url=base_url, api_key=key, http_client=http, max_retries=max_retries, timeout=30
    )


def async_client(base_url: str, key: str, traffic: Traffic, *, max_retries: int = 0) -> openai.AsyncOpenAI:
    """The asynchronous client; close it."""

    async def asked(request: httpx2.Request) -> None:
        traffic.asked(request)

    async def answered(response: httpx2.Response) -> None:
        traffic.answered(response)

    http = openai.DefaultAsyncHttpxClient(
        verify=NO_AUTHORITIES, event_hooks={"request": [asked], "response": [answered]}
    )
    return openai.AsyncOpenAI(
        base_url=base_url, api_key=key, http_client=http, max_retries=max_retries, timeout=30
    )

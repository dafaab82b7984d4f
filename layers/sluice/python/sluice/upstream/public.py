"""Calls addresses that clients have given, and nothing but public ones.

A name is looked up here, once, and the connection goes to what was found and checked: no other answer that its owner's
name server gives a moment later is ever used. TLS is still about the name. Nothing is followed elsewhere, no proxy of
the environment's is asked, nothing is remembered from one call to the next, and of the answer only the status and when
to come again are read.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence, Set
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

import httpx

from sluice.api.webhooks import DeliveryFailure
from sluice.providers.failures import retry_after_of
from sluice.upstream.ip_addresses import is_public
from sluice.upstream.web_address import AddressError, WebAddress, web_address

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
"""For the whole call: what Standard Webhooks gives a receiver at least."""
MOST_ADDRESSES = 4
"""Of those that a name has, so many are tried to connect to."""
MOST_REPLY_BYTES = 64 * 1024
"""So much of an answer is taken off the wire, and thrown away, so that its sender is not cut off in its first words."""
DISCARD_SECONDS = 1.0
"""So long."""
USER_AGENT = "sluice-webhooks"

type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds all IP addresses of a host and a port; raises OSError where it has none."""


class NoAnswerError(Exception):
    """A call has no answer.

    Attributes:
        failure: why not.
    """

    def __init__(self, failure: DeliveryFailure) -> None:
        super().__init__(failure)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, and after how many seconds its sender wants to be called again, if it says."""

    status: int
    retry_after: float | None


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host by the system's resolver, IPv4 and IPv6, in the order in which they are to be tried.

    Raises:
        OSError: it has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class PublicCaller:
    """Posts to clients' addresses.

    Args:
        own_hosts: the operator's, as ``name:port``, which need be neither public nor https.
        transport: makes what carries one call and is closed after it, so that no connection serves two names.
        resolve: finds the addresses of a name.
        total_seconds: for the whole call.
    """

    def __init__(
        self,
        own_hosts: Set[str],
        *,
        transport: Callable[[], httpx.AsyncBaseTransport],
        resolve: Resolve = resolved,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._own_hosts = own_hosts
        self._transport = transport
        self._resolve = resolve
        self._total_seconds = total_seconds

    @classmethod
    def open(cls, own_hosts: Set[str], tls: ssl.SSLContext) -> "PublicCaller":
        """One that goes out by sockets, and believes the authorities that ``tls`` trusts."""
        return cls(own_hosts, transport=lambda: httpx.AsyncHTTPTransport(verify=tls, trust_env=False))

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body, and tell how it was answered.

        Raises:
            NoAnswerError: it was not.
        """
        async with AsyncExitStack() as closing:
            with _translating():
                async with asyncio.timeout(self._total_seconds):
                    target = web_address(address, self._own_hosts)
                    found = await self._checked(target)
                    transport = await closing.enter_async_context(self._transport())
                    response = await _sent(transport, found, target, body, headers)
            closing.push_async_callback(response.aclose)
            await _discard(response)
            return Answer(response.status_code, retry_after_of(response.headers))

    async def _checked(self, target: WebAddress) -> Sequence[str]:
        """The IP addresses of a host, every one of them public, or the host the operator's own."""
        found = await self._resolve(target.host, target.port)
        if not found:
            raise NoAnswerError("unresolved")
        if target.authority not in self._own_hosts and not all(map(is_public, found)):
            raise NoAnswerError("not_public")
        return found[:MOST_ADDRESSES]


async def _sent(
    transport: httpx.AsyncBaseTransport,
    found: Sequence[str],
    target: WebAddress,
    body: bytes,
    headers: Mapping[str, str],
) -> httpx.Response:
    """Post to the first of the IP addresses that takes a connection."""
    *others, last = found
    for ip_address in others:
        with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent
            return await transport.handle_async_request(_request(ip_address, target, body, headers))
    return await transport.handle_async_request(_request(last, target, body, headers))


def _request(ip_address: str, target: WebAddress, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
    return httpx.Request(
        "POST",
        httpx.URL(scheme=target.scheme, host=ip_address, port=target.port),
        headers={
            "host": target.host_header,
            "user-agent": USER_AGENT,
            "accept-encoding": "identity",
            "connection": "close",
            **headers,
        },
        content=body,
        extensions={
            "target": target.target.encode(),
            "sni_hostname": target.host,  # whose the certificate has to be
            "timeout": {"connect": CONNECT_SECONDS},
        },
    )


async def _discard(response: httpx.Response) -> None:
    """Take a little of an answer's body, whatever becomes of it: the status has come, and is all that counts."""
    length = 0
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            async for part in response.aiter_raw():
                length += len(part)
                if length > MOST_REPLY_BYTES:
                    return


_FAILURES: tuple[tuple[type[Exception], DeliveryFailure], ...] = (
    (AddressError, "refused_address"),
    (httpx.TimeoutException, "timeout"),
    (TimeoutError, "timeout"),
    (httpx.ConnectError, "unreachable"),
    (httpx.InvalidURL, "unreachable"),  # an address of one of this machine's interfaces
    (httpx.HTTPError, "broken"),
    (OSError, "unresolved"),  # but for sockets', which httpx translates, all are the resolver's
)


@contextmanager
def _translating() -> Iterator[None]:
    """Raise what goes wrong as what it means here."""
    try:
        yield
    except tuple(kind for kind, _ in _FAILURES) as error:
        raise NoAnswerError(_failure_of(error)) from error


def _failure_of(error: Exception) -> DeliveryFailure:
    if isinstance(error, httpx.ConnectError) and _is_of_tls(error):
        return "untrusted"
    return next(failure for kind, failure in _FAILURES if isinstance(error, kind))


def _is_of_tls(error: BaseException) -> bool:
    """Whether a connection failed by TLS, and not before."""
    cause = error.__cause__ or error.__context__
    return isinstance(error, ssl.SSLError) or (cause is not None and _is_of_tls(cause))

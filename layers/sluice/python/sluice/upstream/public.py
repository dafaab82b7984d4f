"""Calls addresses that clients have given, and nothing but public ones.

A name is looked up once, and the connection goes to what was found and checked (``pinning``). Nothing is followed
elsewhere, no proxy of the environment's is asked, nothing is remembered from one call to the next, and of the answer
only the status and when to come again are read.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

import httpx

from sluice.api.webhooks import DeliveryFailure
from sluice.providers.failures import retry_after_of
from sluice.upstream.pinning import NotPublicError, Outgoing, Resolve, checked, resolved, sent
from sluice.upstream.web_address import AddressError, web_address

TOTAL_SECONDS = 15.0
"""For the whole call: what Standard Webhooks gives a receiver at least."""
MOST_REPLY_BYTES = 64 * 1024
"""So much of an answer is taken off the wire, and thrown away, so that its sender is not cut off in its first words."""
DISCARD_SECONDS = 1.0
"""So long."""
USER_AGENT = "sluice-webhooks"


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
                    found = await checked(target, self._own_hosts, self._resolve)
                    transport = await closing.enter_async_context(self._transport())
                    outgoing = Outgoing("POST", {"user-agent": USER_AGENT, **headers}, body)
                    response = await sent(transport, found, target, outgoing)
            closing.push_async_callback(response.aclose)
            await _discard(response)
            return Answer(response.status_code, retry_after_of(response.headers))


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
    (NotPublicError, "not_public"),
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

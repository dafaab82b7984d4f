"""One HTTP client for the life of the environment, behind a seam that another client can take.

httpx is named in this package only; its exceptions are translated here by table. Upstream addresses come from the
catalogue, never from a request; redirects are not followed, because they would carry the credential elsewhere. Where a
provider's answer has named an address, ``elsewhere`` is the way to it.
"""

import asyncio
import contextlib
import functools
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Protocol, Self

import httpx

from sluice.errors import SluiceError, UpstreamError, UpstreamTimeoutError
from sluice.providers.contract import UpstreamRequest
from sluice.upstream.demo import DemoTransport
from sluice.wire.inflating import ACCEPTED, EncodingError, Inflater

if TYPE_CHECKING:
    from sluice.upstream.elsewhere import Elsewhere

CONNECT_SECONDS = 10.0
"""For connecting alone; the deadline of the whole call is the pipeline's."""

RELEASE_SECONDS = 0.2
"""How long a connection may take to end its body after the last event; then it is closed and not used again."""

MAX_REPLY_BYTES = 48 * 1024 * 1024
"""More than any reply, whole or streamed (2,048 vectors of 3,072 dimensions in base64 are 34 MB); a provider that never
ends must not fill the memory."""

PIECE_BYTES = 1024 * 1024
"""Of a body that is longer, so much is sent at a time."""

_FAILURES: tuple[tuple[type[Exception], type[SluiceError], str], ...] = (
    (httpx.TimeoutException, UpstreamTimeoutError, "The provider did not answer in time."),
    (httpx.ConnectError, UpstreamError, "The provider could not be reached."),
    (httpx.RequestError, UpstreamError, "The connection to the provider broke."),
    (httpx.InvalidURL, UpstreamError, "The provider's address in the catalogue is not valid."),
    (
        UnicodeEncodeError,
        UpstreamError,
        "The provider's address or credential holds characters that HTTP has not.",
    ),
    (httpx.StreamError, UpstreamError, "The connection to the provider broke."),
    (EncodingError, UpstreamError, "The provider's answer is compressed in a way that cannot be read."),
)

_UNHEARD = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    UnicodeEncodeError,
)
"""Those of them that come before anything is sent."""


def tls_context() -> ssl.SSLContext:
    """Trusts certifi's authorities, or those that OpenSSL's variable SSL_CERT_FILE or SSL_CERT_DIR names."""
    return httpx.create_ssl_context()


class UpstreamResponse(Protocol):
    """A provider's answer whose body may still be on its way."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields, names in lower case."""
        ...

    async def read(self) -> bytes:
        """The whole body."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        ...


class Upstream(Protocol):
    """What can send requests to providers."""

    def send(self, request: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Send a request and wait for the head of its answer; leaving the context gives up what is not read.

        Raises:
            UpstreamError: no connection, or one that breaks, then or while the body is read.
            UpstreamTimeoutError: no connection in time. Either is ``unheard`` where there was none.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class _Response:
    """An httpx response whose body is read through one iterator, so that what one reader leaves can be released."""

    def __init__(self, raw: httpx.Response, most_bytes: int) -> None:
        self._raw = raw
        self._most_bytes = most_bytes
        self._received = raw.aiter_raw()
        self._parts = self._unpacked()

    @property
    def status(self) -> int:
        return self._raw.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self._raw.headers

    async def read(self) -> bytes:
        return b"".join([part async for part in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        length = 0
        while True:
            with _translating():
                part = await anext(self._parts, None)
            if part is None:
                return
            length = self._counted(length, part)
            yield part

    async def _unpacked(self) -> AsyncIterator[bytes]:
        inflater = Inflater(self._raw.headers.get("content-encoding", ""))
        length = 0
        async for data in self._received:
            length = self._counted(length, data)  # what is packed may hold nothing at all, without end
            for piece in inflater.feed(data):
                yield piece
        inflater.finish()

    def _counted(self, length: int, part: bytes) -> int:
        length += len(part)
        if length > self._most_bytes:
            raise UpstreamError("The provider's answer is too large.", retriable=False)
        return length

    async def release(self) -> None:
        """Read the little that follows the last event: only a connection read to its end can be used again."""
        with contextlib.suppress(TimeoutError, httpx.HTTPError, httpx.StreamError):
            async with asyncio.timeout(RELEASE_SECONDS):
                while await anext(self._received, None) is not None:
                    pass


class HTTPUpstream:
    """The httpx client of the environment.

    Args:
        client: httpx's.
        elsewhere: opens the way to addresses that providers name.
        most_bytes: of a reply.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        elsewhere: "Callable[[], Elsewhere]",
        most_bytes: int = MAX_REPLY_BYTES,
    ) -> None:
        self._client = client
        self._elsewhere = elsewhere
        self._most_bytes = most_bytes

    @classmethod
    def open(
        cls, *, tls: ssl.SSLContext, demo_token_seconds: float, most_bytes: int = MAX_REPLY_BYTES
    ) -> Self:
        """A client that reads no environment, and answers ``demo:`` itself."""
        return cls(
            httpx.AsyncClient(
                verify=tls,
                trust_env=False,
                timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=60),
                mounts={"demo://": DemoTransport(demo_token_seconds)},
                headers={"user-agent": "sluice", "accept-encoding": ACCEPTED},
                follow_redirects=False,
            ),
            functools.partial(_elsewhere, tls),
            most_bytes,
        )

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        """See ``Upstream.send``."""
        async with AsyncExitStack() as closing:
            with _translating():
                raw = await self._sent(request, closing)
            response = _Response(raw, self._most_bytes)
            yield response
            await response.release()

    async def _sent(self, request: UpstreamRequest, closing: AsyncExitStack) -> httpx.Response:
        if request.public_only:
            return await self._elsewhere().send(request, closing)
        headers, content = dict(request.headers), _content(request.body)
        if not isinstance(content, bytes):
            headers["content-length"] = str(len(request.body))
        raw = await self._client.send(
            self._client.build_request(request.method, request.url, content=content, headers=headers),
            stream=True,
        )
        closing.push_async_callback(raw.aclose)
        return raw

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def _content(body: bytes) -> bytes | AsyncIterator[bytes]:
    """A body, in pieces if it is long: all at once it would be there several times, and be encrypted while all wait."""
    return body if len(body) <= PIECE_BYTES else _pieces(body)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), PIECE_BYTES):
        yield body[at : at + PIECE_BYTES]


def _elsewhere(tls: ssl.SSLContext) -> "Elsewhere":
    # Imported here: what answers chat has nothing to do with it.
    from sluice.upstream.elsewhere import Elsewhere

    return Elsewhere(lambda: httpx.AsyncHTTPTransport(verify=tls, trust_env=False))


@contextmanager
def _translating() -> Iterator[None]:
    """Raise what httpx raises as what it means here."""
    try:
        yield
    except Exception as error:
        for kind, meaning, message in _FAILURES:
            if isinstance(error, kind):
                failure = meaning(message)
                failure.unheard = isinstance(error, _UNHEARD)
                raise failure from error
        raise

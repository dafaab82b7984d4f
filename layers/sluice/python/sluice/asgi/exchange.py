"""One HTTP request and its reply, in ASGI's terms."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from urllib.parse import parse_qs

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from sluice import errors
from sluice.asgi.address_check import Allowed
from sluice.asgi.caching import Cacheable
from sluice.asgi.retry_headers import LANGUAGE_HEADER, retry_headers
from sluice.asgi.security_headers import security_headers
from sluice.errors import InvalidRequestError, RequestTooLargeError, SluiceError, UnsupportedEncodingError
from sluice.observability import RequestRecord
from sluice.wire.header_text import header_text
from sluice.wire.sse import Frame

_DRAINED_LIMITS = 10
"""A body that is too large is read on for this many times its limit, because a client that still sends does not see
the answer."""

SLOW_READER_SECONDS = 5.0
"""What a client gets beyond a stream's deadline to read the rest of it; one that stops reading holds a provider's
connection."""

EVENT = "aws.event"
"""API Gateway's event, where a request came by it."""

JSON = "application/json"
NO_BODY_METHOD = "HEAD"


class Exchange:
    """Reads the request once, writes the reply once.

    Args:
        scope: of type ``http``.
        receive: ASGI's.
        send: ASGI's.
        record: takes down status and times.
        allowed: the check of the client's address, which is under way.
    """

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, record: RequestRecord, allowed: Allowed
    ) -> None:
        self.method: str = scope["method"]
        self.path_parameters: Mapping[str, str] = scope.get("path_params", {})
        self.address = _address(scope)
        """The path as the client knows it, which may begin with API Gateway's stage."""
        self.record = record
        self.reply_headers: dict[str, str] = {}
        """What is known before there is a reply, and goes with it, whatever it will be."""
        self.started = False
        self.outlived = False
        """Whether the client went away, and the work on its request went on."""
        self.afterwards: list[Callable[[], Awaitable[None]]] = []
        """What is to be done once the client has its reply and its line is in the log."""
        self._outlives_client = False
        self._deployed = EVENT in scope
        self._query: bytes = scope.get("query_string", b"")
        self._headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        self._receive = receive
        self._send = send
        self._allowed = allowed
        self._refused = False
        self._body_read = asyncio.Event()
        self._finished = False

    def header(self, name: str) -> str | None:
        """The value of a header field, all its lines as one; None without one, or with empty ones.

        API Gateway's events have lines of the same name joined, so it is done here for all: of two lines with a key
        none is believed, wherever they are read.
        """
        return ", ".join(self._values(name)) or None

    def query(self, *names: str) -> Mapping[str, str]:
        """The parameters of the query string that have these names; of others nothing is known.

        Raises:
            InvalidRequestError: one is there more than once.
        """
        text = self._query.decode("latin-1")
        found = {
            name: values
            for name, values in parse_qs(text, keep_blank_values=True, errors="replace").items()
            if name in names
        }
        for name, values in found.items():
            if len(values) > 1:
                raise InvalidRequestError(f"'{name}' is given more than once.", param=name)
        return {name: value for name, (value,) in found.items()}

    async def body(self, limit: int) -> bytes:
        """The request's body.

        Nothing here unpacks what a client has packed: a few bytes could be any number, and no client of the API packs.

        Raises:
            RequestTooLargeError: it has more than ``limit`` bytes.
            UnsupportedEncodingError: it is packed.
        """
        body = await self._read(limit)
        if self._is_packed():
            raise UnsupportedEncodingError("Send the request's body as it is, without a Content-Encoding.")
        return body

    async def skip_body(self, limit: int) -> None:
        """Take the request's body off the wire, however it is packed; nobody wants to know what it says.

        Raises:
            RequestTooLargeError: it has more than ``limit`` bytes.
        """
        await self._read(limit)

    async def _read(self, limit: int) -> bytes:
        parts: list[bytes] = []
        length = 0
        more = True
        while more and length <= limit * _DRAINED_LIMITS:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            part = message.get("body", b"")
            length += len(part)
            if length <= limit:
                parts.append(part)
            more = message.get("more_body", False)
        self._body_read.set()
        if length > limit:
            raise RequestTooLargeError(f"The request body is larger than {limit} bytes.")
        return b"".join(parts)

    async def allowed(self) -> None:
        """Wait until the request is known to be within the limit of its client's address.

        Every reply waits for it. A handler asks before it begins what is not to be begun in vain.

        Raises:
            RateLimitError, OverloadedError, InternalError: it is not, or nobody knows; that is the reply then.
        """
        await self._allowed()

    def outlive_client(self) -> None:
        """Have the work go on although the client goes away, from now on: it will come back for the reply.

        What is sent then goes nowhere. A client that stays, but stops reading, is not waited for any longer than
        another: no reply comes to its end past its deadline.
        """
        self._outlives_client = True

    async def client_gone(self) -> None:
        """Return when the client has closed the connection before it had its whole reply, unless that is outlived.

        Where that cannot be seen (Lambda), never.
        """
        await self._body_read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.outlived = self._outlives_client and not self._finished
        if self.outlived or self._finished:
            await asyncio.Event().wait()

    async def send_json(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Answer with JSON.

        Raises:
            RateLimitError, OverloadedError, InternalError: see ``allowed``.
        """
        await self._send_whole(status, body, {"content-type": JSON, **(headers or {})})

    async def send_cacheable(self, reply: Cacheable) -> None:
        """Answer GET or HEAD with what is the same for everybody; with 304 where the client has it already.

        Raises:
            RateLimitError, OverloadedError, InternalError: see ``allowed``.
        """
        if reply.is_known(self.header("if-none-match")):
            await self.send_empty(304, reply.headers)
        else:
            await self._send_whole(200, reply.body, {"content-type": reply.content_type, **reply.headers})

    async def send_empty(self, status: int, headers: Mapping[str, str]) -> None:
        """Answer with a status that has no body.

        Raises:
            RateLimitError, OverloadedError, InternalError: see ``allowed``.
        """
        await self._start(status, headers)
        await self._body(b"", last=True)

    async def send_events(self, frames: AsyncIterator[Frame], deadline: float) -> None:
        """Answer with server-sent events, each the moment it comes.

        Raises:
            ClientGoneError: some seconds past the deadline (by the loop's clock) the client has not read them all;
                the frames themselves end by the deadline.
            RateLimitError, OverloadedError, InternalError: see ``allowed``.
        """
        await self._start(200, {"content-type": "text/event-stream; charset=utf-8"})
        try:
            async with asyncio.timeout_at(deadline + SLOW_READER_SECONDS):
                async for frame in frames:
                    await self._body(frame.data, last=frame.last)
        except TimeoutError as error:
            raise ClientGoneError from error

    async def send_error(self, error: SluiceError, headers: Mapping[str, str] | None = None) -> None:
        """Answer with the error envelope; with another error, if the request is not allowed."""
        try:
            await self.allowed()
        except SluiceError as refusal:
            error, headers, self._refused = refusal, None, True
        self.record.failed(error)
        again = retry_headers(error, self.header(LANGUAGE_HEADER))
        await self.send_json(error.status, to_json(errors.envelope(error)), {**again, **(headers or {})})

    def _is_packed(self) -> bool:
        encodings = (self.header("content-encoding") or "").split(",")
        return not {each.strip().lower() for each in encodings} <= {"", "identity"}

    def _values(self, name: str) -> list[str]:
        wanted = name.lower().encode()
        return [value.decode("latin-1") for found, value in self._headers if found == wanted]

    async def _send_whole(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        await self._start(status, {"content-length": str(len(body)), **headers})
        await self._body(b"" if self.method == NO_BODY_METHOD else body, last=True)

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        if not self._refused:
            await self.allowed()
        self.started = True
        self.record.status = status
        fields = {
            **security_headers(deployed=self._deployed),
            **self.reply_headers,
            **headers,
            "x-request-id": self.record.request_id,
        }
        # No value begins another line, whoever had a hand in it: what a header has no room for is escaped.
        lines = [(name.encode(), header_text(value).encode()) for name, value in fields.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": lines})

    async def _body(self, data: bytes, *, last: bool) -> None:
        if self.record.first_byte_ms is None:
            self.record.first_byte_ms = self.record.elapsed_ms()
        self._finished = last
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})


def _address(scope: Scope) -> str:
    path: str = scope["path"]
    context = scope.get(EVENT, {}).get("requestContext", {})
    known: object = context.get("path")
    return known if isinstance(known, str) and known.endswith(path) else path


class ClientGoneError(Exception):
    """The client closed the connection; nobody is left to answer."""

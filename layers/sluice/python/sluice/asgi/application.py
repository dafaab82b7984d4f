"""The ASGI application of a function: routes, errors, the request's log line, and the parts it works with.

Starlette matches paths; everything else of a reply is the contract's, so it is written here. The parts (a ``Gateway``,
a ``Catalog``) are opened by the lifespan's start, or by the first request where a server has no lifespan.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Self

from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from sluice.asgi.address_check import under_way
from sluice.asgi.cors import ALLOW_ORIGIN, PREFLIGHT_METHOD, CrossOrigin, preflight_headers
from sluice.asgi.exchange import EVENT, ClientGoneError, Exchange
from sluice.errors import InternalError, MethodNotAllowedError, NotFoundError, SluiceError
from sluice.metrics import count_request
from sluice.observability import RequestRecord, log_request, logger
from sluice.pipeline.address_limit import AddressLimiter
from sluice.request_ids import new_request_id

UNTOLD = "secret"
"""The parameter of a path that is kept out of the log."""

MANY_SEGMENTS = ":path}"
"""In Starlette's notation, a parameter that may have slashes in it."""

HIDDEN_SLASH = "%2f"

CLIENT_GONE = 499
"""What nginx and many after it log for a client that did not wait; it is sent to nobody."""


type Handler[Parts] = Callable[[Exchange, Parts], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Operation[Parts]:
    """What a path does: by method, the handler that composes the answer."""

    handlers: Mapping[str, Handler[Parts]]

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that it answers."""
        return tuple(self.handlers)

    @property
    def allowed(self) -> Mapping[str, str]:
        """The header that names all methods, with the one that every path has."""
        return {"allow": ", ".join((*self.methods, PREFLIGHT_METHOD))}

    def __or__(self, other: Self) -> Self:
        """Both, on one path."""
        return replace(self, handlers={**self.handlers, **other.handlers})


def get[Parts](handle: Handler[Parts]) -> Operation[Parts]:
    """Answers GET, and HEAD with the same headers."""
    return Operation({"GET": handle, "HEAD": handle})


def post[Parts](handle: Handler[Parts]) -> Operation[Parts]:
    """Answers POST."""
    return Operation({"POST": handle})


def delete[Parts](handle: Handler[Parts]) -> Operation[Parts]:
    """Answers DELETE."""
    return Operation({"DELETE": handle})


class Application[Parts]:
    """An ASGI application.

    Args:
        operations: by path, in Starlette's notation.
        name: the function's, which its metrics go by.
        open_parts: builds what the handlers need.
        open_limiter: builds out of it the limit of client addresses, which counts every request, whatever becomes of
            it; None is no limit.
        cross_origin: says out of it which pages may read the replies.
        close_parts: gives the parts back at the end.
    """

    def __init__(
        self,
        operations: Mapping[str, Operation[Parts]],
        *,
        name: str,
        open_parts: Callable[[], Parts],
        open_limiter: Callable[[Parts], AddressLimiter | None],
        cross_origin: Callable[[Parts], CrossOrigin],
        close_parts: Callable[[Parts], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.methods = {path: operation.methods for path, operation in operations.items()}
        """What each path takes."""
        self._open_parts = open_parts
        self._open_limiter = open_limiter
        self._cross_origin = cross_origin
        self._close_parts = close_parts
        self._opened: tuple[Parts, AddressLimiter | None] | None = None
        self._router = Router(
            [
                Route(path, _Endpoint(self, operation, takes_slashes=MANY_SEGMENTS in path))
                for path, operation in operations.items()
            ],
            redirect_slashes=False,
            default=_Endpoint(self, None, takes_slashes=False),
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        await self._router(scope, receive, send)

    @property
    def parts(self) -> Parts:
        """What the handlers need, opened when first asked for."""
        return self._open()[0]

    async def check_address(self, scope: Scope) -> None:
        """Count a request by its client's address.

        That is the one that the platform saw. A header such as X-Forwarded-For tells any address that the client
        likes, so none is looked at.

        Raises:
            RateLimitError: the client has had its requests of this minute.
            OverloadedError: the request could not be counted.
        """
        _, limiter = self._open()
        if limiter is not None:
            client = scope.get("client")
            await limiter.admit(client[0] if client else None)

    def cross_origin_headers(self, origin: str | None) -> Mapping[str, str]:
        """What a reply says about the page that asks, of the origin in the request's header."""
        return self._cross_origin(self.parts).headers(origin)

    def _open(self) -> tuple[Parts, AddressLimiter | None]:
        if self._opened is None:
            parts = self._open_parts()
            self._opened = parts, self._open_limiter(parts)
        return self._opened

    @asynccontextmanager
    async def _lifespan(self, _: object) -> AsyncIterator[None]:
        parts = self.parts
        yield
        self._opened = None
        if self._close_parts is not None:
            await self._close_parts(parts)


class _Endpoint[Parts]:
    """One path: every outcome becomes a reply of the contract, and a line in the log."""

    def __init__(
        self, application: Application[Parts], operation: Operation[Parts] | None, *, takes_slashes: bool
    ) -> None:
        self._application = application
        self._operation = operation
        self._takes_slashes = takes_slashes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = RequestRecord(new_request_id(time.time()), scope["method"], _path_to_tell(scope))
        try:
            async with under_way(self._application.check_address(scope)) as allowed:
                exchange = Exchange(scope, receive, send, record, allowed)
                await self._answer(exchange, known=self._takes_slashes or not _hides_slashes(scope))
        finally:
            # Without a status by now, the server is ending and has cancelled this.
            record.status = record.status or CLIENT_GONE
            log_request(record)
            count_request(record, self._application.name)
        for work in exchange.afterwards:
            await work()

    async def _answer(self, exchange: Exchange, *, known: bool) -> None:
        try:
            exchange.reply_headers.update(self._application.cross_origin_headers(exchange.header("origin")))
            await _unless(exchange.client_gone(), self._handle(exchange, known=known))
            if exchange.outlived:
                exchange.record.status = CLIENT_GONE
        except ClientGoneError:
            exchange.record.status = CLIENT_GONE
        except SluiceError as error:
            if exchange.started:
                raise
            await exchange.send_error(error, self._allowed(error))
        except Exception:  # whatever it is: the last place where it can become the contract's reply
            logger.exception("a request failed", extra={"request_id": exchange.record.request_id})
            if exchange.started:
                raise
            await exchange.send_error(InternalError(InternalError.TOLD))

    async def _handle(self, exchange: Exchange, *, known: bool) -> None:
        if self._operation is None or not known:
            raise NotFoundError("Unknown path.")
        if exchange.method == PREFLIGHT_METHOD:
            await exchange.send_empty(204, {**self._operation.allowed, **self._preflight(exchange)})
        elif handle := self._operation.handlers.get(exchange.method):
            await handle(exchange, self._application.parts)
        else:
            raise MethodNotAllowedError(f"The method {exchange.method:.20} is not allowed here.")

    def _preflight(self, exchange: Exchange) -> Mapping[str, str]:
        """What a browser that asks for a page of an allowed origin has to hear; nothing for anybody else."""
        asked = exchange.header("origin"), exchange.header("access-control-request-method")
        if self._operation is None or None in asked or ALLOW_ORIGIN not in exchange.reply_headers:
            return {}
        names = (exchange.header("access-control-request-headers") or "").split(",")
        return preflight_headers(map(str.strip, names), self._operation.methods)

    def _allowed(self, error: SluiceError) -> Mapping[str, str]:
        if self._operation is None or not isinstance(error, MethodNotAllowedError):
            return {}
        return self._operation.allowed


def _path_to_tell(scope: Scope) -> str:
    """The request's path, without what nobody may read in a log."""
    path: str = scope["path"]
    secret = scope.get("path_params", {}).get(UNTOLD)
    return path.replace(secret, "…") if secret else path


def _hides_slashes(scope: Scope) -> bool:
    """Whether the path, as the client wrote it, has a slash in a segment.

    Whoever looks at paths in front of this (API Gateway's routes, a firewall's rules) sees another path than the one
    that is left once that is decoded.
    """
    event, written = scope.get(EVENT), scope.get("raw_path") or b""
    path = str(event.get("path")) if event is not None else written.decode("latin-1")
    return HIDDEN_SLASH in path.lower()


async def _unless(gone: Awaitable[None], work: Awaitable[None]) -> None:
    """Do the work, but give it up when the client is gone.

    Raises:
        ClientGoneError: it was given up, and everything it held is released.
    """
    watching = asyncio.ensure_future(gone)
    working = asyncio.ensure_future(work)
    try:
        await asyncio.wait({watching, working}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
            return
        raise ClientGoneError
    finally:
        for task in (watching, working):
            if not task.done():
                task.cancel()
        await asyncio.gather(watching, working, return_exceptions=True)

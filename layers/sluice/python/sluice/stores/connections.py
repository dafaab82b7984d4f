"""Kept-alive HTTP/1.1 connections to one server, for calls that are made several times a request.

A call costs a fraction of the CPU time that botocore's client in a thread takes (``make bench`` says which).
h11 does the protocol; what is ours is when a connection is opened, used again and thrown away.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import h11

READ_BYTES = 64 * 1024
WRITE_BYTES = 256 * 1024
"""Of a body that is longer, so much is given to the connection at a time: all at once it would be there several times,
and be encrypted while everybody else waits."""
MAX_IDLE = 64
"""Connections kept for the next call; more may be open at once while they are needed."""

_ERROR_BYTES = 64 * 1024
_WITH_BODY = frozenset({"POST", "PUT"})

IDLE_SECONDS = 20.0
"""A connection unused for longer is not trusted: what dropped it on the way would not have said so."""


class Reply(NamedTuple):
    """A whole HTTP reply; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class ReplyTooLargeError(Exception):
    """A reply has more bytes than its reader takes."""


class ConnectionBrokenError(Exception):
    """No reply came, or not a whole one: nobody knows whether the request was carried out."""


class _Connection:
    """One connection; usable again when a reply was read to its end and the server keeps it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)
        self.idle_since = 0.0
        self._clean = True

    @classmethod
    async def open(cls, host: str, port: int, tls: ssl.SSLContext | None) -> Self:
        return cls(*await asyncio.open_connection(host, port, ssl=tls))

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent: the server has neither said nor done otherwise, nor said too much."""
        return (
            self._clean
            and self._http.our_state is h11.IDLE
            and not self._writer.is_closing()
            and not self._reader.at_eof()
        )

    async def exchange(
        self, head: h11.Request, body: bytes, most_bytes: int | None, announced: Callable[[int], None]
    ) -> Reply:
        """Send a request and read the reply; ``announced`` is told how long its body will be."""
        await self._send(head, body)
        response: h11.Response | None = None
        received: list[bytes] = []
        length, failed = 0, False
        while True:
            event = self._http.next_event()
            match event:
                case h11.NEED_DATA:
                    self._http.receive_data(await self._reader.read(READ_BYTES))
                case h11.Response():
                    response = event
                    failed = event.status_code >= 300
                    coming = _length_of(response) if head.method != b"HEAD" else 0
                    if most_bytes is not None and not failed and coming > most_bytes:
                        raise ReplyTooLargeError
                    announced(coming)
                case h11.Data():
                    received.append(bytes(event.data))
                    length += len(event.data)
                    # Of an error, what it says is read, however little its reader wanted.
                    if most_bytes is not None and length > max(most_bytes, _ERROR_BYTES if failed else 0):
                        raise ReplyTooLargeError
                case h11.EndOfMessage() if response is not None:
                    break
                case h11.InformationalResponse():
                    pass
                case _:
                    raise h11.RemoteProtocolError("the server closed the connection")
        # Bytes beyond the reply belong to no request of ours: taken as the next one's reply they would be another's.
        self._clean = self._http.trailing_data == (b"", False)
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        fields = {name.decode("ascii"): value.decode("latin-1") for name, value in response.headers}
        return Reply(response.status_code, fields, b"".join(received))

    async def _send(self, head: h11.Request, body: bytes) -> None:
        start = self._http.send(head) or b""
        for at in range(0, len(body), WRITE_BYTES):
            piece = self._http.send(h11.Data(data=body[at : at + WRITE_BYTES])) or b""
            self._writer.write(start + piece)
            start = b""
            if len(body) > WRITE_BYTES:
                await self._writer.drain()
        self._writer.write(start + (self._http.send(h11.EndOfMessage()) or b""))

    def close(self) -> None:
        self._writer.transport.abort()


class Connections:
    """The connections to one server.

    Args:
        url: scheme, host and port.
        tls: makes the TLS context when first needed.
        connect_seconds: for opening a connection.
    """

    def __init__(self, url: str, *, tls: Callable[[], ssl.SSLContext], connect_seconds: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = tls if parts.scheme == "https" else None
        self._connect_seconds = connect_seconds
        self._idle: list[_Connection] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def post(self, headers: Sequence[tuple[str, str]], body: bytes, *, seconds: float) -> Reply:
        """Post to ``/`` and read the whole reply; see ``send``."""
        return await self.send("POST", "/", headers, body, seconds=seconds)

    async def send(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        *,
        seconds: float,
        most_bytes: int | None = None,
        bytes_a_second: float | None = None,
    ) -> Reply:
        """Send a request and read the whole reply, if it has no more than ``most_bytes``.

        Where it may be long, ``bytes_a_second`` adds time for as many bytes as the reply says it has.

        The caller decides whether to try again, since the request may have been carried out. When one connection
        fails, those kept are dropped too: an environment that was frozen has lost them all.

        Raises:
            ConnectionBrokenError: no whole reply within that time.
            ReplyTooLargeError: it has more bytes than that.
        """
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(seconds) as limit:

                def announced(length: int) -> None:
                    if bytes_a_second is not None and (end := limit.when()) is not None:
                        limit.reschedule(end + length / bytes_a_second)

                connection = await self._connected()
                length = [("content-length", str(len(body)))] if body or method in _WITH_BODY else []
                head = h11.Request(method=method, target=target, headers=[*headers, *length])
                reply = await connection.exchange(head, body, most_bytes, announced)
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            self.close()
            raise ConnectionBrokenError(f"no reply: {type(error).__name__}") from error
        else:
            if connection.reusable and len(self._idle) < MAX_IDLE:
                connection.idle_since = asyncio.get_running_loop().time()
                self._idle.append(connection)
                connection = None
            return reply
        finally:
            if connection is not None:
                connection.close()

    async def _connected(self) -> _Connection:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # What belongs to a loop that has ended cannot be used, or even closed, any more.
            self._idle.clear()
            self._loop = loop
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and loop.time() - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.close()
        async with asyncio.timeout(self._connect_seconds):
            return await _Connection.open(self._host, self._port, self._tls and self._tls())

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            with contextlib.suppress(RuntimeError):  # the loop they belong to may have ended
                self._idle.pop().close()


def _length_of(response: h11.Response) -> int:
    """How many bytes a reply says that its body has; 0 where it does not say."""
    return next((int(value) for name, value in response.headers if name == b"content-length"), 0)

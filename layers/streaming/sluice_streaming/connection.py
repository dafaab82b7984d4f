"""One persistent HTTP/1.1 connection: h11 does the framing, asyncio the bytes.

asyncio sets TCP_NODELAY on its sockets, so what is written leaves at once.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import h11

type HeaderLines = Sequence[tuple[str, str]]

_READ_SIZE = 256 * 1024
_MAX_HEAD = 128 * 1024  # client context and identity travel in headers, beyond h11's 16 KiB


class Answer(NamedTuple):
    """A response, read to its end; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """Carries one exchange at a time and stays open in between.

    Every failure of the connection is an OSError and closes it; the next exchange opens a new one.

    Args:
        address: host and port of the server.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._authority = ("Host", address)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def open(self) -> bool:
        """Make sure that there is a connection, and say whether it was kept from an earlier exchange."""
        if self._streams is not None:
            reader, writer = self._streams
            if not (reader.at_eof() or writer.is_closing()):
                return True
            self.close()
        self._streams = await asyncio.open_connection(self._host, self._port, limit=_READ_SIZE)
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
        return False

    async def exchange(self, method: str, path: str, headers: HeaderLines = (), body: bytes = b"") -> Answer:
        """Send a whole request and read the answer."""
        lines = [*headers, ("Content-Length", str(len(body)))] if method == "POST" else headers
        await self.open()
        await self._send(self._head(method, path, lines), h11.Data(data=body), h11.EndOfMessage())
        return await self._answer()

    async def start(self, path: str, headers: HeaderLines, data: bytes) -> None:
        """Begin a chunked POST: its head and first chunk leave together."""
        lines = [*headers, ("Transfer-Encoding", "chunked")]
        await self.open()
        await self._send(self._head("POST", path, lines), h11.Data(data=data))

    async def send(self, data: bytes) -> None:
        """Send one chunk, and wait while the server is slow to take it."""
        await self._send(h11.Data(data=data))

    async def finish(self, data: bytes = b"", trailers: HeaderLines = ()) -> Answer:
        """End a chunked POST with a last chunk, if any, and trailers, and read the answer."""
        await self._send(h11.Data(data=data), h11.EndOfMessage(headers=list(trailers)))
        return await self._answer()

    def interrupt(self) -> None:
        """Break off what waits for the server; an answer that is already here is still read."""
        if self._streams is not None:
            self._streams[1].transport.abort()

    def close(self) -> None:
        """Drop the connection."""
        self.interrupt()
        self._streams = None

    def _head(self, method: str, path: str, headers: HeaderLines) -> h11.Request:
        return h11.Request(method=method, target=path, headers=[self._authority, *headers])

    async def _send(self, *events: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        reader, writer = self._require()
        data = b"".join(self._http.send(event) or b"" for event in events)
        try:
            if reader.at_eof():
                raise ConnectionResetError("the server closed the connection")
            writer.write(data)
            await writer.drain()
        except (OSError, asyncio.CancelledError):
            self.close()
            raise

    async def _answer(self) -> Answer:
        try:
            answer = await self._read_answer()
        except h11.RemoteProtocolError as error:
            self.close()
            raise ConnectionResetError(f"no proper answer: {error}") from error
        except (OSError, asyncio.CancelledError):
            self.close()
            raise
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()
        return answer

    async def _read_answer(self) -> Answer:
        reader, _ = self._require()
        head: h11.Response | None = None
        body: list[bytes] = []
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                data = await reader.read(_READ_SIZE)
                if not data and head is None:
                    raise ConnectionResetError("the server closed the connection without an answer")
                self._http.receive_data(data)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                lines = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
                return Answer(head.status_code, lines, b"".join(body))

    def _require(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            raise ConnectionResetError("the connection was closed")
        return self._streams

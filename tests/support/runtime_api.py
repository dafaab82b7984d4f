"""A Lambda Runtime API for tests: hands events out, and records what comes back as it comes.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import h11

from gates import GUARD_SECONDS

ROOT = "/2018-06-01/runtime"


@dataclass
class Call:
    """An invocation and what has been answered to it so far."""

    request_id: str
    event: bytes
    headers: dict[str, str]
    answer_status: int = 202
    kind: str = ""
    """``response`` or ``error``, once the runtime has begun to answer."""
    head: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)
    complete: bool = False
    writer: asyncio.StreamWriter | None = None

    @property
    def streamed(self) -> bool:
        return self.head.get("lambda-runtime-function-response-mode") == "streaming"

    @property
    def json(self) -> Any:
        return json.loads(b"".join(self.chunks))

    @property
    def prelude(self) -> Any:
        text, separator, _ = b"".join(self.chunks).partition(bytes(8))
        assert separator
        return json.loads(text)

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks).partition(bytes(8))[2]

    @property
    def trailing_error(self) -> Any:
        return json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"]))

    def break_off(self) -> None:
        """Reset the connection over which the answer is coming."""
        assert self.writer is not None
        self.writer.transport.abort()


class RuntimeAPI:
    """The server. Its history has ``next``, ``<kind> <id> begins``, ``… chunk``, ``… complete``, in order.

    Args:
        history: the list to write that into, which others may share.
    """

    def __init__(self, history: list[str]) -> None:
        self.history = history
        self.polls = 0
        self.connections = 0
        """How many are open."""
        self.poll_statuses: list[int] = []
        """Statuses for the next polls; an event is handed out when it is empty."""
        self.init_errors: list[tuple[dict[str, str], Any]] = []
        """Headers and body of what went to init/error and restore/error."""
        self._events: asyncio.Queue[Call] = asyncio.Queue()
        self._calls: dict[str, Call] = {}
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        self.address = "{}:{}".format(*self._server.sockets[0].getsockname()[:2])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shut()
        await self._server.wait_closed()

    def shut(self) -> None:
        """Vanish: refuse new connections and reset those there are."""
        self._server.close()
        self._server.abort_clients()

    def invoke(self, event: Any, headers: dict[str, str] | None = None, answer_status: int = 202) -> Call:
        """Have an event handed out; bytes go as they are, everything else as JSON."""
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        call = Call(f"request-{len(self._calls) + 1}", payload, headers or {}, answer_status)
        self._calls[call.request_id] = call
        self._events.put_nowait(call)
        return call

    async def until(self, predicate: Callable[[], object]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(GUARD_SECONDS), self._changed:
            await self._changed.wait_for(lambda: bool(predicate()))

    async def chunk(self, call: Call, number: int) -> bytes:
        """Wait for the chunk with this number, from 0."""
        await self.until(lambda: len(call.chunks) > number)
        return call.chunks[number]

    async def completed(self, *calls: Call) -> None:
        """Wait until calls have been answered to the end."""
        await self.until(lambda: all(call.complete for call in calls))

    async def polled(self, times: int) -> None:
        """Wait until so many invocations have been asked for."""
        await self.until(lambda: self.polls >= times)

    async def _note(self, event: str) -> None:
        async with self._changed:
            self.history.append(event)
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=1024 * 1024)
        self.connections += 1
        try:
            while await self._exchange(http, reader, writer):
                http.start_next_cycle()
        except (ConnectionError, asyncio.CancelledError, h11.RemoteProtocolError):
            pass
        finally:
            writer.transport.abort()
            async with self._changed:
                self.connections -= 1
                self._changed.notify_all()

    async def _exchange(
        self, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        request = await _event(http, reader)
        if not isinstance(request, h11.Request):
            return False
        path = request.target.decode()
        if path == f"{ROOT}/invocation/next":
            await _event(http, reader)
            await self._hand_out(http, reader, writer)
        elif path == f"{ROOT}/restore/next":
            await _event(http, reader)
            await self._note("restore/next")
            _send(http, writer, 200, {}, b"")
        elif path in {f"{ROOT}/init/error", f"{ROOT}/restore/error"}:
            call = Call("", b"", {}, head=_lines(request.headers))
            await self._record(http, reader, call, path.removeprefix(f"{ROOT}/"))
            self.init_errors.append((call.head, call.json))
            _send(http, writer, 202, {}, b"{}")
        else:
            await self._take(http, reader, writer, request)
        await writer.drain()
        return http.our_state is h11.DONE

    async def _hand_out(
        self, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.polls += 1
        await self._note("next")
        if self.poll_statuses:
            _send(http, writer, self.poll_statuses.pop(0), {}, b"not now")
            return
        call = await self._next_call(reader)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": call.request_id,
            "Lambda-Runtime-Deadline-Ms": "4102444800000",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
            "Lambda-Runtime-Trace-Id": f"Root={call.request_id}",
            **call.headers,
        }
        _send(http, writer, 200, headers, call.event)

    async def _next_call(self, reader: asyncio.StreamReader) -> Call:
        """Wait for an event, as long as there is someone to hand it to."""
        event, gone = asyncio.ensure_future(self._events.get()), asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait([event, gone], return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and not event.done():
                raise ConnectionResetError("nobody waits any more")
            return event.result()
        finally:
            event.cancel()
            gone.cancel()
            await asyncio.wait([event, gone])

    async def _take(
        self,
        http: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        request: h11.Request,
    ) -> None:
        match = re.fullmatch(rf"{ROOT}/invocation/([^/]+)/(response|error)", request.target.decode())
        assert match, request.target
        call = self._calls[match[1]]
        assert not call.kind, "answered twice"
        call.kind, call.head, call.writer = match[2], _lines(request.headers), writer
        await self._record(http, reader, call, f"{call.kind} {call.request_id}")
        _send(http, writer, call.answer_status, {}, b'{"status":"OK"}')
        async with self._changed:
            call.complete = True
            self._changed.notify_all()

    async def _record(
        self, http: h11.Connection, reader: asyncio.StreamReader, call: Call, name: str
    ) -> None:
        await self._note(f"{name} begins")
        chunk = b""
        while not isinstance(event := await _event(http, reader), h11.EndOfMessage):
            assert isinstance(event, h11.Data), event
            chunk += event.data
            if event.chunk_end or "content-length" in call.head:
                call.chunks.append(chunk)
                chunk = b""
                await self._note(f"{name} chunk")
        call.trailers = _lines(event.headers)
        await self._note(f"{name} complete")


async def _event(http: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await reader.read(65536))
    return event


def _lines(headers: Any) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers}


def _send(
    http: h11.Connection, writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes
) -> None:
    lines = [*headers.items(), ("Content-Length", str(len(body)))]
    writer.write(http.send(h11.Response(status_code=status, headers=lines)) or b"")
    writer.write(http.send(h11.Data(data=body)) or b"")
    writer.write(http.send(h11.EndOfMessage()) or b"")

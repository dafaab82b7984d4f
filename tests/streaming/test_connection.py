"""The HTTP connection: kept, replaced, slowed down, broken."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gates import GUARD_SECONDS
from sluice_streaming.connection import Connection

type Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nok"


@asynccontextmanager
async def connected(handler: Handler) -> AsyncIterator[Connection]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connection = Connection("{}:{}".format(*server.sockets[0].getsockname()[:2]))
    try:
        async with asyncio.timeout(GUARD_SECONDS):
            yield connection
    finally:
        connection.close()
        server.close()
        server.close_clients()
        await server.wait_closed()


async def until(predicate: Callable[[], object]) -> None:
    """Let the loop run on until something is so; ``connected`` guards the time."""
    while not predicate():  # noqa: ASYNC110 - what it looks at announces no change
        await asyncio.sleep(0)


def transport_of(connection: Connection) -> asyncio.WriteTransport:
    assert connection._streams is not None
    return connection._streams[1].transport


async def test_a_connection_is_kept_and_sends_at_once() -> None:
    peers: list[object] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer)
        while (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /"):
            writer.write(OK)

    async with connected(handler) as connection:
        assert not await connection.open()
        for _ in range(3):
            answer = await connection.exchange("GET", "/next")
            assert (answer.status, answer.headers["x-a"], answer.body) == (200, "1", b"ok")
            assert await connection.open()
        assert len(peers) == 1
        link = transport_of(connection).get_extra_info("socket")
        assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("farewell", [b"Connection: close\r\n", b""], ids=["announced", "silent"])
async def test_a_connection_that_was_closed_is_replaced(farewell: bytes) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK.replace(b"X-A", farewell + b"X-A"))
        writer.close()

    async with connected(handler) as connection:
        for _ in range(2):
            assert (await connection.exchange("GET", "/next")).body == b"ok"
            if connection._streams is not None:
                await until(connection._streams[0].at_eof)
            assert not await connection.open()


async def test_a_chunked_post_as_it_stands_on_the_wire() -> None:
    received = b""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        received = await reader.readuntil(b"X-T: v\r\n\r\n")
        writer.write(OK)

    async with connected(handler) as connection:
        await connection.start("/response", [("Trailer", "X-T")], b"first")
        await connection.send(b"")
        await connection.send(b"second")
        await connection.finish(b"third", [("X-T", "v")])
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /response HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"5\r\nfirst\r\n6\r\nsecond\r\n5\r\nthird\r\n0\r\nX-T: v\r\n\r\n"


async def test_a_slow_server_holds_the_sender_back() -> None:
    reading = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reading.wait()
        tail = b""
        while not tail.endswith(b"\r\n0\r\n\r\n"):
            tail = tail[-6:] + await reader.read(1_000_000)
        writer.write(OK)

    async with connected(handler) as connection:
        await connection.start("/response", [], b"-")
        transport = transport_of(connection)
        _, high_water = transport.get_write_buffer_limits()
        left_over: list[int] = []

        async def send() -> None:
            for _ in range(60):
                await connection.send(bytes(1_000_000))
                left_over.append(transport.get_write_buffer_size())

        sending = asyncio.create_task(send())
        await until(lambda: transport.get_write_buffer_size() > high_water)
        # The kernel took what it has buffers for; the rest waits for the server, however long the loop runs.
        for _ in range(200):
            await asyncio.sleep(0)
        assert not sending.done()
        assert max(left_over, default=0) <= high_water

        reading.set()
        await sending
        assert (await connection.finish()).body == b"ok"


async def test_an_answer_larger_than_the_buffer() -> None:
    size = 6_000_000

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Large: %s\r\nContent-Length: %d\r\n\r\n" % (b"a" * 60_000, size))
        writer.write(bytes(size))

    async with connected(handler) as connection:
        assert (await connection.exchange("GET", "/next")).body == bytes(size)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", b"SSH-2.0-OpenSSH_9.9\r\n\r\n"],
    ids=["none", "half a head", "half a body", "another protocol"],
)
async def test_an_answer_that_is_none_is_a_broken_connection(answer: bytes) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with connected(handler) as connection:
        with pytest.raises(ConnectionResetError):
            await connection.exchange("GET", "/next")
        with pytest.raises(ConnectionResetError):
            await connection.send(b"nothing is open")


async def test_sending_to_a_server_that_has_closed_is_noticed() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"first\r\n")
        writer.close()

    async with connected(handler) as connection:
        await connection.start("/response", [], b"first")
        assert connection._streams is not None
        await until(connection._streams[0].at_eof)
        with pytest.raises(ConnectionResetError):
            await connection.send(b"second")


async def test_an_interrupt_keeps_an_answer_that_is_already_here() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)

    async with connected(handler) as connection:
        asking = asyncio.create_task(connection.exchange("GET", "/next"))
        await until(lambda: connection._streams and connection._streams[0]._buffer)  # type: ignore[attr-defined] # asyncio's own
        assert not asking.done()
        connection.interrupt()
        assert (await asking).body == b"ok"

"""The one way out: faults translated, connections used again, nothing followed elsewhere."""

import asyncio
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from certificates import Authority
from discarding import discarding, room_of
from sluice.errors import UpstreamError, UpstreamTimeoutError
from sluice.providers.contract import UpstreamRequest
from sluice.upstream import client as upstream_client
from sluice.upstream.client import PIECE_BYTES, HTTPUpstream, tls_context
from sluice.wire.inflating import PIECE_BYTES as PIECE_OF_CONTENT
from sluice.wire.inflating import Inflater

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Server:
    """Answers each request with the same function; counts connections and sees them close."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections = 0
        self.requests: list[bytes] = []
        self.closed = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(head)
                await reader.readexactly(2)
                await self.answer(reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed.set()
            writer.close()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Server]:
    server = Server(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x"
    try:
        yield server
    finally:
        listening.close()


@pytest.fixture
async def upstream() -> AsyncIterator[HTTPUpstream]:
    client = HTTPUpstream.open(tls=tls_context(), demo_token_seconds=0)
    yield client
    await client.close()


def post(url: str) -> UpstreamRequest:
    return UpstreamRequest(
        url, b"{}", {"authorization": "Bearer sk-upstream", "content-type": "application/json"}
    )


def saying(data: bytes) -> Answer:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return answer


async def test_a_stream_given_up_after_its_last_event_leaves_the_connection_usable(
    upstream: HTTPUpstream,
) -> None:
    async with serving(saying(HEAD + chunk(b"data: [DONE]\n\n") + END)) as server:
        for _ in range(3):
            async with upstream.send(post(server.url)) as response:
                assert await anext(response.chunks()) == b"data: [DONE]\n\n"
        assert server.connections == 1
        assert b"user-agent: sluice" in server.requests[0].lower()


async def test_a_host_that_never_ends_its_body_does_not_hold_the_client(
    upstream: HTTPUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_client, "RELEASE_SECONDS", 0.01)
    async with serving(saying(HEAD + chunk(b"data: [DONE]\n\n"))) as server:
        async with upstream.send(post(server.url)) as response:
            await anext(response.chunks())
        await server.closed.wait()


async def test_who_leaves_early_closes_the_connection(upstream: HTTPUpstream) -> None:
    async with serving(saying(HEAD + chunk(b"data: 1\n\n"))) as server:

        async def read() -> None:
            async with upstream.send(post(server.url)) as response:
                async for _ in response.chunks():
                    reading.set()

        reading = asyncio.Event()
        task = asyncio.create_task(read())
        await reading.wait()
        task.cancel()
        await server.closed.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    "data",
    [
        HEAD + chunk(b"data: 1\n\n"),
        HEAD + b"zz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
        b"SSH-2.0\r\n\r\n",
        b"",
    ],
)
async def test_a_broken_reply_is_an_upstream_error(upstream: HTTPUpstream, data: bytes) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    async with serving(answer) as server:
        with pytest.raises(UpstreamError) as caught:
            async with upstream.send(post(server.url)) as response:
                await response.read()
        assert "sk-upstream" not in str(caught.value)
        assert not caught.value.unheard, "it may have been heard"


async def test_a_closed_port_is_an_upstream_error(upstream: HTTPUpstream) -> None:
    async with serving(saying(b"")) as server:
        pass
    with pytest.raises(UpstreamError, match="could not be reached") as caught:
        async with upstream.send(post(server.url)):
            pass
    assert caught.value.unheard


@pytest.mark.parametrize("url", ["gopher://x/", "http://", "http://[bad/", "nothing"])
async def test_an_address_of_no_use_is_an_upstream_error(upstream: HTTPUpstream, url: str) -> None:
    with pytest.raises((UpstreamError, UpstreamTimeoutError)) as caught:
        async with upstream.send(post(url)):
            pass
    assert caught.value.unheard


async def test_a_redirect_is_not_followed(upstream: HTTPUpstream) -> None:
    moved = b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"
    async with serving(saying(moved)) as server:
        async with upstream.send(post(server.url)) as response:
            assert response.status == 302
        assert len(server.requests) == 1


async def test_an_endless_whole_reply_is_given_up() -> None:
    upstream = HTTPUpstream.open(tls=tls_context(), demo_token_seconds=0, most_bytes=1_000)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        while True:
            writer.write(chunk(b"x" * 500))
            await writer.drain()

    async with serving(answer) as server:
        with pytest.raises(UpstreamError, match="too large"):
            async with upstream.send(post(server.url)) as response:
                await response.read()
    await upstream.close()


async def test_the_environments_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client = HTTPUpstream.open(tls=tls_context(), demo_token_seconds=0)
    async with (
        serving(saying(b"HTTP/1.1 204 No Content\r\n\r\n")) as server,
        client.send(post(server.url)) as response,
    ):
        assert response.status == 204
    await client.close()


async def test_what_is_no_fault_of_the_network_is_not_called_one(upstream: HTTPUpstream) -> None:
    with pytest.raises(ZeroDivisionError):
        async with serving(saying(HEAD + END)) as server, upstream.send(post(server.url)):
            raise ZeroDivisionError


@pytest.mark.parametrize("length", [0, PIECE_BYTES, PIECE_BYTES + 1, 24 * PIECE_BYTES])
async def test_a_body_of_any_length_leaves_whole_and_is_there_once(tmp_path: Path, length: int) -> None:
    authority = Authority.make(tmp_path)
    upstream = HTTPUpstream.open(tls=authority.trusted, demo_token_seconds=0)
    body = bytes(range(256)) * (length // 256) + bytes(length % 256)
    async with discarding(authority.server("127.0.0.1")) as server:
        with room_of(8 * PIECE_BYTES):
            request = UpstreamRequest(f"https://127.0.0.1:{server.port}/x", body, {})
            async with upstream.send(request) as response:
                assert (response.status, await response.read()) == (200, b"")
        await upstream.close()
    assert server.digests == [hashlib.sha256(body).hexdigest()]
    assert "transfer-encoding" not in server.heads[0]


def packed_head(encoding: str, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-encoding: %s\r\ncontent-length: %d\r\n\r\n%s" % (
        encoding.encode(),
        len(body),
        body,
    )


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_packed_answer_is_unpacked(
    upstream: HTTPUpstream, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    async with serving(saying(packed_head(encoding, pack(b'{"a": 1}')))) as server:
        for _ in range(2):
            async with upstream.send(post(server.url)) as response:
                assert await response.read() == b'{"a": 1}'
    assert server.connections == 1
    assert b"accept-encoding: gzip, deflate\r\n" in server.requests[0].lower()


async def test_a_bomb_is_given_up_once_it_has_grown_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would have become is never made: 50 MB of it are in one part that the socket gives."""
    made: list[int] = []

    class Counting(Inflater):
        def feed(self, data: bytes) -> Iterator[bytes]:
            for piece in super().feed(data):
                made.append(len(piece))
                yield piece

    monkeypatch.setattr(upstream_client, "Inflater", Counting)
    limit = 1_000_000
    client = HTTPUpstream.open(tls=tls_context(), demo_token_seconds=0, most_bytes=limit)
    async with serving(saying(packed_head("gzip", gzip.compress(bytes(50_000_000))))) as server:
        with pytest.raises(UpstreamError, match="too large"):
            async with client.send(post(server.url)) as response:
                await response.read()
    assert limit < sum(made) <= limit + PIECE_OF_CONTENT
    await client.close()


async def test_packed_nothing_is_given_up_once_it_has_grown_too_large() -> None:
    packed = gzip.compress(b"")
    client = HTTPUpstream.open(tls=tls_context(), demo_token_seconds=0, most_bytes=10_000)
    async with serving(saying(packed_head("gzip", packed * 1_000))) as server:
        with pytest.raises(UpstreamError, match="too large"):
            async with client.send(post(server.url)) as response:
                await response.read()
    await client.close()


async def test_a_packed_answer_that_is_cut_off_is_a_failure(upstream: HTTPUpstream) -> None:
    """Without a length the end of the connection is the end of the answer, wherever it comes."""
    packed = gzip.compress(b"a video")

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n" + packed[:-3])
        writer.close()

    async with serving(answer) as server:
        with pytest.raises(UpstreamError, match="compressed"):
            async with upstream.send(post(server.url)) as response:
                await response.read()


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd"])
async def test_an_answer_that_is_packed_as_nobody_asked_is_a_failure(
    upstream: HTTPUpstream, encoding: str
) -> None:
    twice = gzip.compress(gzip.compress(bytes(1_000_000)))
    async with serving(saying(packed_head(encoding, twice))) as server:
        with pytest.raises(UpstreamError, match="compressed"):
            async with upstream.send(post(server.url)) as response:
                await response.read()


async def test_an_answer_that_is_not_packed_as_it_says_is_a_failure(upstream: HTTPUpstream) -> None:
    async with serving(saying(packed_head("gzip", b'{"a": 1}'))) as server:
        with pytest.raises(UpstreamError, match="compressed"):
            async with upstream.send(post(server.url)) as response:
                await response.read()

"""A server that takes requests of any length by TLS, throws their bodies away, and says what it thinks of them."""

import asyncio
import hashlib
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

PIECE = 64 * 1024


class Discarding:
    """The server: the address, and of each request its head and the SHA-256 of its body."""

    def __init__(self) -> None:
        self.port = 0
        self.heads: list[str] = []
        self.digests: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer each request on a connection."""
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode().lower():
                digest, left = hashlib.sha256(), int(head.partition("content-length: ")[2].split("\r\n")[0])
                while left:
                    piece = await reader.read(min(left, PIECE))
                    left -= len(piece)
                    digest.update(piece)
                self.heads.append(head)
                self.digests.append(digest.hexdigest())
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def discarding(tls: ssl.SSLContext) -> AsyncIterator[Discarding]:
    """A server of one's own."""
    server = Discarding()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


@contextmanager
def room_of(most_bytes: int) -> Iterator[None]:
    """See that no more than so much is taken of the memory meanwhile, beside what is there before."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most_bytes, f"it took {peak} bytes"

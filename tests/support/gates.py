"""Gates at which a process under test waits until the test lets it pass: order without sleeping.

The test serves ``Gates``; the process, which finds the address in the variable ``GATES``, calls ``wait_at``,
or ``tell`` when it only reports that it came by. Both return after the test has seen it.
"""

import asyncio
import os
import socket
from collections import Counter
from types import TracebackType
from typing import Self

GUARD_SECONDS = 20
"""No test waits longer than this for anything; a passing one never comes near."""


class Gates:
    """The test's side: who has come to which gate, and which gates are open.

    Args:
        history: gets ``"gate <name>"`` for each arrival.
    """

    def __init__(self, history: list[str]) -> None:
        self._history = history
        self._arrived: Counter[str] = Counter()
        self._open: set[str] = set()
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        self.address = "{}:{}".format(*self._server.sockets[0].getsockname()[:2])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._server.close_clients()
        await self._server.wait_closed()

    async def reached(self, name: str, times: int = 1) -> None:
        """Wait until the gate has been reached so often."""
        async with asyncio.timeout(GUARD_SECONDS), self._changed:
            await self._changed.wait_for(lambda: self._arrived[name] >= times)

    async def open(self, name: str) -> None:
        """Let everyone pass, now and later."""
        async with self._changed:
            self._open.add(name)
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wait, _, name = (await reader.readline()).decode().strip().partition(" ")
        async with self._changed:
            self._history.append(f"gate {name}")
            self._arrived[name] += 1
            self._changed.notify_all()
            if wait == "wait":
                await self._changed.wait_for(lambda: name in self._open)
        writer.write(b"pass\n")
        writer.close()


async def wait_at(name: str) -> None:
    """Come to a gate and wait until it is open."""
    host, _, port = os.environ["GATES"].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"wait {name}\n".encode())
    assert await reader.readline() == b"pass\n"
    writer.close()


def tell(name: str) -> None:
    """Come by a gate without stopping."""
    host, _, port = os.environ["GATES"].rpartition(":")
    with socket.create_connection((host, int(port))) as connection, connection.makefile("rb") as lines:
        connection.sendall(f"tell {name}\n".encode())
        assert lines.readline() == b"pass\n"

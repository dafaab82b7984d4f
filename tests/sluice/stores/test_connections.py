"""Bodies of any length leave whole, and a long one without being there a second time."""

import hashlib
from pathlib import Path

import pytest

from certificates import Authority
from discarding import discarding, room_of
from sluice.stores.connections import WRITE_BYTES, Connections

LONG = 24 * 1024 * 1024


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder: Path = tmp_path_factory.mktemp("authority")
    return Authority.make(folder)


@pytest.mark.parametrize("length", [0, 1, WRITE_BYTES, WRITE_BYTES + 1, 3 * WRITE_BYTES, LONG])
async def test_a_body_of_any_length_leaves_whole_and_is_there_once(authority: Authority, length: int) -> None:
    async with discarding(authority.server("127.0.0.1")) as server:
        connections = Connections(
            f"https://127.0.0.1:{server.port}", tls=lambda: authority.trusted, connect_seconds=5
        )
        body = bytes(range(256)) * (length // 256) + bytes(length % 256)
        for _ in range(2):  # the connection can be used again
            with room_of(4 * 1024 * 1024):
                reply = await connections.send("PUT", "/k", [("host", "h")], body, seconds=60)
            assert reply.status == 200
        connections.close()
    assert server.digests == [hashlib.sha256(body).hexdigest()] * 2

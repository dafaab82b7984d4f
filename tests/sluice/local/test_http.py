"""The end of the HTTP server."""

import signal
import socket
import subprocess
import sys

import pytest

from sluice.local.http import PortTakenError, reserved_port, url_of

ENDLESS = """
import asyncio
from sluice.local import http

http.GRACE_SECONDS = 1

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"more ", "more_body": True})
        await asyncio.sleep(0.05)

with http.reserved_port(0) as listener:
    asyncio.run(http.serve(app, listener, lambda: print(http.url_of(listener), flush=True)))
print("cleaned up", flush=True)
"""


def test_a_stream_without_end_does_not_keep_the_server() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        host, port = process.stdout.readline().strip().removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1000)
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=20)
    assert (process.returncode, output) == (0, "cleaned up\n")


def test_a_free_port_is_found_and_a_taken_one_refused() -> None:
    with reserved_port(0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        assert url_of(listener) == f"http://127.0.0.1:{port}"
        with pytest.raises(PortTakenError, match=str(port)), reserved_port(port):
            pass

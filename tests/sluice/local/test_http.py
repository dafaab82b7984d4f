"""The end of the HTTP server."""

import json
import signal
import socket
import subprocess
import sys
from types import TracebackType
from typing import Self

import pytest

from sluice.local.http import PortTakenError, reserved_port, url_of

SERVER = """
import asyncio, sys
from sluice.local import http

http.GRACE_SECONDS = float(sys.argv[1])

async def app(scope, receive, send):
    if scope["path"] == "/client":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["client"][0].encode()})
        return
    if scope["path"] == "/silent":
        print("asked", flush=True)
        await asyncio.Event().wait()
    content_type = b"text/event-stream" if scope["path"] == "/stream" else b"text/plain"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})
    size = 1_000_000 if scope["path"] == "/flood" else 1
    while True:
        await send({"type": "http.response.body", "body": b":" * size + b"\\n\\n", "more_body": True})
        await asyncio.sleep(0.05)

with http.reserved_port(0) as listener:
    asyncio.run(http.serve(app, listener, lambda: print(http.url_of(listener), flush=True)))
print("cleaned up", flush=True)
"""
LONG = 60


class Server:
    """A server of its own, and a client that has asked it for something without an end."""

    def __init__(self, path: str, grace_seconds: float, headers: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(grace_seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        host, port = self.process.stdout.readline().strip().removeprefix("http://").split(":")
        self.client = socket.create_connection((host, int(port)))
        self.client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        self.first = b"" if path == "/silent" else self.client.recv(1000)
        assert self.first or self.process.stdout.readline() == "asked\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.process.kill()
        self.process.communicate()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def rest_of_reply(self) -> bytes:
        return b"".join(iter(lambda: self.client.recv(65_536), b""))

    def end(self) -> str:
        output, errors = self.process.communicate(timeout=20)
        assert (self.process.returncode, errors) == (0, "")
        return output


def test_a_stream_without_end_does_not_keep_the_server() -> None:
    with Server("/stream", 0.5) as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.line() == "Waiting up to 0.5 s for 1 request to end; Ctrl-C again ends it now.\n"
        output = server.end()
    assert output.count("GET /stream is cut off") == 1
    assert output.endswith("cleaned up\n")


def test_the_last_line_of_a_stream_that_is_cut_off_is_an_error() -> None:
    with Server("/stream", 0) as server:
        server.process.send_signal(signal.SIGTERM)
        reply = server.rest_of_reply()
        server.end()
    error = json.loads(reply.partition(b"data: ")[2].partition(b"\n\n")[0])["error"]
    assert (error["type"], error["code"], error["param"]) == ("server_error", "overloaded", None)
    assert b"[DONE]" not in reply
    assert reply.endswith(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_requests_at_once(by: signal.Signals) -> None:
    with Server("/silent", LONG) as server:
        server.process.send_signal(by)
        assert "for 1 request to end" in server.line()
        server.process.send_signal(by)
        head, _, body = server.rest_of_reply().partition(b"\r\n\r\n")
        output = server.end()
    assert head.startswith(b"HTTP/1.1 503 ")
    assert json.loads(body)["error"]["code"] == "overloaded"
    request_id = head.partition(b"x-request-id: ")[2].split()[0].decode()
    (line,) = [line for line in output.splitlines() if "GET /silent is cut off" in line]
    assert request_id in line


@pytest.mark.parametrize("path", ["/flood", "/plain"])
def test_what_cannot_be_told_is_closed(path: str) -> None:
    """A client that reads nothing takes no error either, and a body of no format has no place for one."""
    with Server(path, 0) as server:
        server.process.send_signal(signal.SIGINT)
        assert f"GET {path} is cut off" in server.end()


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_client_cannot_choose_its_address(name: str) -> None:
    value = "for=192.0.2.1" if name == "Forwarded" else "192.0.2.1"
    with Server("/client", LONG, f"{name}: {value}\r\nConnection: close\r\n") as server:
        reply = server.first + server.rest_of_reply()
    assert b"127.0.0.1" in reply
    assert b"192.0.2.1" not in reply


def test_a_free_port_is_found_and_a_taken_one_refused() -> None:
    with reserved_port(0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        assert url_of(listener) == f"http://127.0.0.1:{port}"
        with pytest.raises(PortTakenError, match=str(port)), reserved_port(port):
            pass

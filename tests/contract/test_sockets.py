"""HTTP as clients speak it below the level of libraries."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from chat_bodies import chat_body
from gateway_process import GatewayProcess
from mock_provider import GUARD_SECONDS, Case


@pytest.fixture
def connection(gateway: GatewayProcess) -> Iterator[socket.socket]:
    address = urlsplit(gateway.url)
    assert address.hostname
    assert address.port
    with socket.create_connection((address.hostname, address.port), GUARD_SECONDS) as found:
        yield found


def head(key: str, body: bytes, *lines: str) -> bytes:
    fixed = [
        "POST /v1/chat/completions HTTP/1.1",
        "host: gateway",
        f"authorization: Bearer {key}",
        f"content-length: {len(body)}",
    ]
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    read = b""
    while mark not in read:
        data = connection.recv(65536)
        assert data, f"closed after {read!r}"
        read += data
    return read


def test_a_client_that_asks_before_it_uploads(connection: socket.socket, key: str, case: Case) -> None:
    """curl does for large bodies."""
    body = json.dumps(chat_body(case)).encode()
    connection.sendall(head(key, body, "expect: 100-continue"))
    assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    connection.sendall(body)
    assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_client_that_leaves_in_its_upload(
    connection: socket.socket, key: str, case: Case, http: httpx.Client
) -> None:
    body = json.dumps(chat_body(case)).encode()
    connection.sendall(head(key, body) + body[:20])
    connection.close()
    assert http.get("/health").status_code == 200
    assert case.requests == []


def test_one_byte_at_a_time(connection: socket.socket, key: str, case: Case) -> None:
    body = json.dumps(chat_body(case)).encode()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in head(key, body) + body:
        connection.send(bytes([byte]))
    assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_two_requests_on_one_connection_after_a_fault(http: httpx.Client, case: Case) -> None:
    """A refused body must not be taken for the next request."""
    refused = http.post("/v1/chat/completions", content=b"POST / HTTP/1.1\r\n\r\n")
    assert refused.status_code == 400
    assert http.post("/v1/chat/completions", json=chat_body(case)).status_code == 200


def test_no_http_at_all(connection: socket.socket, http: httpx.Client) -> None:
    connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n")
    answer = connection.recv(100)
    assert not answer or answer.startswith(b"HTTP/1.1 400 ")
    assert http.get("/health").status_code == 200

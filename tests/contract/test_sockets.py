"""HTTP as clients speak it below the level of libraries."""

import gzip
import json
import select
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


BODY = b'{"model": "demo"}'
POST_HEAD = "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"
SECOND = b"GET /health HTTP/1.1\r\nhost: gateway\r\n\r\n"

AMBIGUOUS: dict[str, bytes] = {
    "two lengths": f"{POST_HEAD}content-length: 17\r\ncontent-length: 5\r\n\r\n".encode() + BODY,
    "a list of lengths": f"{POST_HEAD}content-length: 17, 5\r\n\r\n".encode() + BODY,
    "a signed length": f"{POST_HEAD}content-length: +17\r\n\r\n".encode() + BODY,
    "a negative length": f"{POST_HEAD}content-length: -1\r\n\r\n".encode() + BODY,
    "a length that is none": f"{POST_HEAD}content-length: 0x11\r\n\r\n".encode() + BODY,
    "a coding that is none": f"{POST_HEAD}transfer-encoding: xchunked\r\n\r\n".encode() + BODY,
    "two codings": f"{POST_HEAD}transfer-encoding: gzip, chunked\r\n\r\n".encode() + BODY,
    "a space before the colon": f"{POST_HEAD}content-length : 17\r\n\r\n".encode() + BODY,
    "a size that is none": f"{POST_HEAD}transfer-encoding: chunked\r\n\r\n".encode() + b"-1\r\nab\r\n",
    "a NUL in a value": f"{POST_HEAD}idempotency-key: a\0b\r\ncontent-length: 0\r\n\r\n".encode(),
    "a bare CR in a value": f"{POST_HEAD}idempotency-key: a\rx: b\r\ncontent-length: 0\r\n\r\n".encode(),
    "a name with a space": f"{POST_HEAD}a b: c\r\ncontent-length: 0\r\n\r\n".encode(),
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /health HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "a head without an end": POST_HEAD.encode() + b"a: b\r\n" * 20_000,
}


def all_of(connection: socket.socket) -> bytes:
    read = b""
    try:
        while data := connection.recv(65536):
            read += data
    except ConnectionResetError:
        pass
    return read


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_request_that_two_servers_would_read_differently(
    connection: socket.socket, http: httpx.Client, name: str
) -> None:
    """It is refused, and what follows it on the connection is not taken for a request."""
    connection.sendall(AMBIGUOUS[name] + SECOND)
    answer = all_of(connection)
    assert answer.count(b"HTTP/1.1 ") <= 1, answer
    assert not answer or answer.startswith(b"HTTP/1.1 400 "), answer
    assert http.get("/health").status_code == 200


def test_of_a_length_and_a_coding_the_coding_counts(connection: socket.socket, key: str) -> None:
    """As RFC 9112 (section 6.1) has it; the length would have made a part of the body the next request."""
    hidden = b"GET /nowhere HTTP/1.1\r\nhost: gateway\r\n\r\n"
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
    connection.sendall(
        f"{POST_HEAD}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n".encode() + body + SECOND
    )
    first = read_until(connection, b"\r\n\r\n")
    assert first.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 "))
    connection.shutdown(socket.SHUT_WR)
    assert b"HTTP/1.1 404 " not in first + all_of(connection)


@pytest.mark.parametrize("line", ["transfer-encoding: chunked", "content-length: 999999999999"])
def test_an_upload_without_an_end_is_answered(connection: socket.socket, key: str, line: str) -> None:
    """Once it is ten times too large; of what comes after that nothing is kept."""
    connection.sendall(f"{POST_HEAD}authorization: Bearer {key}\r\n{line}\r\n\r\n".encode())
    part = b" " * 1_000_000
    data = b"%x\r\n%s\r\n" % (len(part), part) if "chunked" in line else part
    sent = 0
    while sent < 100_000_000 and not select.select([connection], [], [], 0)[0]:
        connection.sendall(data)
        sent += len(data)
    assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 413 ")
    assert sent > 60_000_000


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd"])
def test_a_packed_request(http: httpx.Client, key: str, case: Case, encoding: str) -> None:
    """A megabyte of it would be a gigabyte."""
    reply = http.post(
        "/v1/chat/completions",
        content=gzip.compress(json.dumps(chat_body(case)).encode()),
        headers={"content-encoding": encoding, "authorization": f"Bearer {key}"},
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (415, "unsupported_encoding")
    assert case.requests == []

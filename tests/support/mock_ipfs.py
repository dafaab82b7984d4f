"""An IPFS service on a socket: the RPC API of Kubo, as far as files are added, and strict about how."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import override
from urllib.parse import parse_qs, urlsplit

from sluice.wire.cid import cid_of

WANTED = {
    "cid-version": ["1"],
    "raw-leaves": ["true"],
    "chunker": ["size-262144"],
    "max-file-links": ["174"],
    "hash": ["sha2-256"],
    "pin": ["true"],
    "quieter": ["true"],
}


@dataclass
class MockIPFS:
    """What the service does, and what it has got."""

    url: str = ""
    authorization: str | None = None
    """The header that it wants."""
    lies: bool = False
    status: int = 200
    pinned: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def mock_ipfs() -> Iterator[MockIPFS]:
    """A service, while the context lasts."""
    state = MockIPFS()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            address = urlsplit(self.path)
            assert address.path == "/api/v0/add"
            assert parse_qs(address.query) == WANTED
            if self.headers["authorization"] != state.authorization:
                self._answer(401, b"")
                return
            head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
            (part,) = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()
            assert part.get_param("name", header="content-disposition") == "file"
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            cid = cid_of(b"another" if state.lies else content)
            state.pinned[cid] = content
            answer = json.dumps({"Name": "file", "Hash": cid, "Size": str(len(content))})
            self._answer(state.status, answer.encode() + b"\n")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

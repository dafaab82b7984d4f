"""An IPFS service on a socket: the RPC API of Kubo and Pinata's uploads, as far as files are added, strict about how."""

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

from sluice.wire.cid import CLASSIC, Way, cid_of

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
    way: Way = CLASSIC
    """How it cuts files."""
    lies: bool = False
    status: int = 200
    answer: bytes | None = None
    """In place of its own."""
    pinned: dict[str, bytes] = field(default_factory=dict)
    content_types: list[str] = field(default_factory=list)


@contextmanager
def mock_ipfs() -> Iterator[MockIPFS]:
    """A service, while the context lasts."""
    state = MockIPFS()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers["authorization"] != state.authorization:
                self._answer(401, b"")
                return
            address = urlsplit(self.path)
            fields, content = self._form(body)
            cid = cid_of(b"another" if state.lies else content, state.way)
            match address.path:
                case "/api/v0/add":
                    assert parse_qs(address.query) == WANTED
                    assert fields == {}
                    said = json.dumps({"Name": "file", "Hash": cid, "Size": str(len(content))}) + "\n"
                case "/v3/files":
                    assert address.query == ""
                    assert fields == {"network": "public", "cid_version": "v1"}
                    data = {"id": "1", "name": "file", "cid": cid, "size": len(content), "network": "public"}
                    said = json.dumps({"data": data})
                case path:
                    raise AssertionError(path)
            state.pinned[cid] = content
            self._answer(state.status, said.encode() if state.answer is None else state.answer)

        def _form(self, body: bytes) -> tuple[dict[str, str], bytes]:
            """The fields of a form but for its file, and that."""
            head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
            message = BytesParser(policy=HTTP).parsebytes(head + body)
            assert not message.defects
            *fields, file = message.iter_parts()
            for part in fields:
                assert part.get_filename() is None
            assert file.get_param("name", header="content-disposition") == "file"
            assert file.get_filename() == "file"
            state.content_types.append(file.get_content_type())
            content = file.get_payload(decode=True)
            assert isinstance(content, bytes)
            names = [str(part.get_param("name", header="content-disposition")) for part in fields]
            texts = [str(part.get_payload()) for part in fields]
            return dict(zip(names, texts, strict=True)), content

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

"""Takes webhooks by plain HTTP, from containers too."""

import json
import queue
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

SECONDS = 60


class HookReceiver:
    """Listens while the context lasts, and answers every message with 204.

    Args:
        host: the address to listen on.
    """

    def __init__(self, host: str) -> None:
        messages: defaultdict[str, queue.Queue[dict[str, Any]]] = defaultdict(queue.Queue)
        self._messages = messages

        class Taker(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204)
                self.end_headers()
                messages[self.path].put(json.loads(body))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((host, 0), Taker)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """Where, as ``host:port``."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def url(self, name: str) -> str:
        """An address to send to."""
        return f"http://{self.address}/{name}"

    def message(self, name: str) -> dict[str, Any]:
        """The next message to an address; it is waited for."""
        return self._messages[f"/{name}"].get(timeout=SECONDS)

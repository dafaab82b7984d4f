"""AWS for the development server and the tests: moto's server, as a process of its own.

``python -m sluice.local.aws`` listens on a free port of the loopback, says which on one line of its standard
output, and ends when its standard input does. The pipe is what ties it to the process that started it: it
closes however that process ends, also by SIGKILL, which no handler sees.
"""

import functools
import importlib
import logging
import os
import sys
import threading
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

HOST = "127.0.0.1"

GUARDED = (
    "batch_write_item",
    "delete_item",
    "get_item",
    "put_item",
    "query",
    "scan",
    "transact_get_items",
    "transact_write_items",
    "update_item",
)
"""Everything of moto's DynamoDB that reads or writes items."""


def serialise_dynamodb() -> None:
    """Let one DynamoDB operation run at a time.

    moto checks a condition and then acts on it, with nothing in between to stop another thread: of two
    conditional writes both may win, which in DynamoDB cannot happen.
    """
    lock = threading.RLock()
    for name in GUARDED:
        if hasattr(DynamoDBBackend, name):
            setattr(DynamoDBBackend, name, _guarded(getattr(DynamoDBBackend, name), lock))


def _guarded(method: Any, lock: Any) -> Any:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return method(*args, **kwargs)

    return call


def end_with_parent() -> None:
    """Wait for the end of standard input, then end this process, whatever its threads are doing."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serve until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    threading.Thread(target=end_with_parent, daemon=True).start()
    serialise_dynamodb()
    # moto would import it, and much with it, at the first request; here it is done while the parent starts.
    importlib.import_module("moto.cloudformation.models")
    server = make_server(
        HOST,
        0,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()

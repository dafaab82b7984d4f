"""AWS for the development server and the tests: moto's server, as a process of its own.

``python -m sluice.local.aws <host>`` listens on a free port of that address, says which on one line of its standard
output, and ends when its standard input does. The pipe is what ties it to the process that started it: it
closes however that process ends, also by SIGKILL, which no handler sees.

With a second argument, the address of that process's bridge, it really runs state machines: their tasks are the
functions there. Without, executions are started and stopped, and nothing comes of them.
"""

import importlib
import logging
import os
import sys
import threading

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from sluice.local.emulator import mend_dynamodb, mend_s3
from sluice.local.far_functions import FarFunctions


def end_with_parent() -> None:
    """Wait for the end of standard input, then end this process, whatever its threads are doing."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serve until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    threading.Thread(target=end_with_parent, daemon=True).start()
    mend_dynamodb()
    mend_s3()
    # moto would import it, and much with it, at the first request; here it is done while the parent starts.
    importlib.import_module("moto.cloudformation.models")
    host, *bridge = sys.argv[1:]
    if bridge:
        logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)  # it reports each task that fails
        importlib.import_module("sluice.local.executions").run_executions(FarFunctions(*bridge))
    server = make_server(
        host,
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

"""The development server: what the template describes, on this machine, against a stand-in for AWS."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

from sluice.catalog import load_catalog
from sluice.config import CatalogSettings, ConfigurationError
from sluice.keys import new_secret
from sluice.local.aws_process import REGION, LocalAWS, LocalAWSError
from sluice.local.blueprint import Blueprint, TemplateError, read_blueprint
from sluice.local.environment import EnvironmentConflictError, local_environment
from sluice.local.functions import load_app
from sluice.local.greeting import greeting
from sluice.local.http import STOP_SIGNALS, PortTakenError, reserved_port, serve, url_of
from sluice.local.lifespan import LifespanError, lifespans
from sluice.local.routing import Dispatcher, Mount
from sluice.local.stack import Stack, StackError, create_stack
from sluice.local.state import ServerRunningError, ServerState, held, write_state
from sluice.observability import log_readably
from sluice.plans import CUSTOM
from sluice.stores.aws import AWS, Endpoint
from sluice.stores.key_records import KeyTerms, new_record
from sluice.stores.keys import KeyStore

TEMPLATE = Path(__file__).resolve().parents[5] / "template.yaml"
"""The template of the checkout that this package is installed from."""

KEYS_TABLE = "KeysTableName"
"""The stack's output that names the table of keys."""

FAILURES = (
    ConfigurationError,
    EnvironmentConflictError,
    LifespanError,
    LocalAWSError,
    PortTakenError,
    ServerRunningError,
    StackError,
    TemplateError,
)
"""Why a server may not start; each one's message is for a person to read."""


def run(port: int, directory: Path, template: Path = TEMPLATE) -> None:
    """Serve until SIGINT or SIGTERM, and leave nothing behind.

    Args:
        port: to listen on, 0 for a free one.
        directory: takes the state of the running server.
        template: whose routes, functions and tables are served.

    Raises:
        Exception: one of ``FAILURES``, if it cannot start.
    """
    started = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)  # SIGTERM too goes through every exit below
    with (
        contextlib.suppress(KeyboardInterrupt),
        held(directory),
        reserved_port(port) as listener,
        LocalAWS() as local_aws,
    ):
        os.environ["AWS_DEFAULT_REGION"] = REGION
        blueprint = read_blueprint(template)
        endpoint = local_aws.endpoint
        aws = AWS(endpoint)
        stack = create_stack(aws, blueprint.stack)
        environment = local_environment(os.environ, blueprint.functions, stack.outputs, endpoint)
        os.environ.clear()
        os.environ.update(environment)
        log_readably()
        try:
            asyncio.run(_serve(blueprint, aws, stack, _Place(listener, directory, endpoint), started))
        finally:
            for stop in STOP_SIGNALS:  # the end is under way: a further signal must not cut it short
                signal.signal(stop, signal.SIG_IGN)


class _Place:
    """Where the server is, and where it says so."""

    def __init__(self, listener: socket.socket, directory: Path, endpoint: Endpoint) -> None:
        self.listener = listener
        self.url = url_of(listener)
        self._directory = directory
        self._endpoint = endpoint

    def announce(self, stack: Stack) -> None:
        write_state(
            self._directory,
            ServerState(
                url=self.url,
                aws_endpoint=self._endpoint.url,
                region=self._endpoint.region,
                pid=os.getpid(),
                stack=stack.name,
                tables=stack.tables,
            ),
        )


async def _serve(blueprint: Blueprint, aws: AWS, stack: Stack, place: _Place, started: float) -> None:
    apps = {function.name: load_app(function) for function in blueprint.functions}
    mounts = [
        Mount(route, apps[function.name]) for function in blueprint.functions for route in function.routes
    ]
    catalog = load_catalog(CatalogSettings.from_environment().catalog)
    key = await _demo_key(KeyStore(aws, stack.outputs[KEYS_TABLE]))

    def on_ready() -> None:
        place.announce(stack)
        sys.stdout.write(greeting(place.url, key, catalog, time.monotonic() - started))
        sys.stdout.flush()

    async with lifespans(apps.values()):
        await serve(Dispatcher(mounts, blueprint.unknown_path), place.listener, on_ready)


async def _demo_key(store: KeyStore) -> str:
    secret = new_secret("key")
    terms = KeyTerms(name="demo", owner="demo", plan=CUSTOM)
    await store.put_new(new_record(secret, terms, int(time.time())))
    return secret


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt

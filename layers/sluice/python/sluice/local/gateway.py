"""Builds the whole gateway out of the template, and serves it."""

import os
import secrets
import socket
import sys
import time
from pathlib import Path

from sluice.catalog import load_catalog
from sluice.config import CatalogSettings
from sluice.keys import new_secret
from sluice.local.aws_process import REGION, LocalAWS
from sluice.local.blueprint import read_blueprint
from sluice.local.bridge import Bridge, bridged, listeners
from sluice.local.environment import local_environment
from sluice.local.feeding import feeding
from sluice.local.functions import load_app, load_handler
from sluice.local.greeting import greeting
from sluice.local.http import serve, url_of
from sluice.local.lifespan import lifespans
from sluice.local.routing import Dispatcher, Mount
from sluice.local.sam_local import function_variables
from sluice.local.stack import create_stack
from sluice.local.state import ServerState, write_state, write_variables
from sluice.observability import log_readably
from sluice.pipeline.catalog_doubts import tell
from sluice.plans import CUSTOM
from sluice.providers.parameters import unknown_parameters
from sluice.providers.registry import check_providers
from sluice.search.registry import check_engines
from sluice.stores.aws import AWS
from sluice.stores.key_records import KeyTerms, new_record
from sluice.stores.keys import KeyStore

KEYS_TABLE = "KeysTableName"
"""The stack's output that names the table of keys."""

SECRET_BYTES = 32
"""Of a secret that is made up for each run."""


async def serve_gateway(
    template: Path,
    local_aws: LocalAWS,
    listener: socket.socket,
    bridge_listener: socket.socket,
    directory: Path,
    started: float,
) -> None:
    """Make the stack, load the functions, greet, and serve until told to end.

    Args:
        template: the SAM template.
        local_aws: the stand-in for AWS; this process is bound to it from here on.
        listener: bound, not yet listening.
        bridge_listener: the same, for the stand-in's calls of functions.
        directory: takes the state.
        started: the monotonic time at which the start began.
    """
    user = dict(os.environ)
    os.environ["AWS_DEFAULT_REGION"] = REGION
    blueprint = read_blueprint(template)
    endpoint = local_aws.endpoint
    aws = AWS(endpoint)
    stack = create_stack(endpoint, blueprint.stack)
    made_up = {name: user.get(name) or secrets.token_hex(SECRET_BYTES) for name in blueprint.secrets}
    environment = local_environment(user, blueprint.functions, stack.outputs, endpoint, made_up)
    os.environ.clear()
    os.environ.update(environment)

    log_readably()
    apps = {function.name: load_app(function) for function in blueprint.functions if function.routes}
    mounts = [
        Mount(route, apps[function.name]) for function in blueprint.functions for route in function.routes
    ]
    handlers = {
        function.name: load_handler(function) for function in blueprint.functions if not function.routes
    }
    catalog_file = CatalogSettings.from_environment().catalog
    catalog = load_catalog(catalog_file)
    check_providers(catalog)
    check_engines(catalog)  # the applications do too, but what goes wrong in their start is a traceback
    for doubt in unknown_parameters(catalog):
        tell(doubt)
    key = await _demo_key(KeyStore(aws, stack.outputs[KEYS_TABLE]))
    for name, value in made_up.items():
        await aws.secretsmanager.call("CreateSecret", Name=f"{stack.name}/{name}", SecretString=value)
    url = url_of(listener)
    state = ServerState(
        url=url,
        aws_endpoint=endpoint.url,
        region=endpoint.region,
        pid=os.getpid(),
        stack=stack.name,
        tables=stack.tables,
        catalog=None if catalog_file is None else str(catalog_file),
    )

    def on_ready() -> None:
        write_variables(directory, function_variables(blueprint.functions, stack.outputs, endpoint.url))
        write_state(directory, state)
        sys.stdout.write(greeting(url, key, catalog, time.monotonic() - started))
        sys.stdout.flush()

    tasks = {name: handlers[name] for name in blueprint.tasks}
    bridge = Bridge(tasks, listeners(blueprint.functions, handlers), stack.machines)
    async with (
        bridged(bridge, bridge_listener),
        lifespans(apps.values()),
        feeding(blueprint.functions, handlers, stack.tables, endpoint),
    ):
        await serve(Dispatcher(mounts, blueprint.unknown_path), listener, on_ready)


async def _demo_key(store: KeyStore) -> str:
    secret = new_secret("key")
    await store.put_new(
        new_record(secret, KeyTerms(name="demo", owner="demo", plan=CUSTOM), int(time.time()))
    )
    return secret

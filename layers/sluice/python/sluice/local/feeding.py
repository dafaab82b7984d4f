"""Keeps calling, while the server runs, the functions that no HTTP request calls."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from typing import Any

from sluice.local.blueprint import Function
from sluice.local.deployments import call_after_deployment
from sluice.local.invocations import Handler
from sluice.local.schedules import call_on_schedule
from sluice.local.streams import DYNAMODB_STREAMS, TableStream, feed_from_stream
from sluice.stores.access import MADE_UP, Access, Endpoint
from sluice.stores.aws import AWS, CONNECT_SECONDS, Client, default_tls
from sluice.stores.connections import Connections

type Feeder = Coroutine[Any, Any, None]


@asynccontextmanager
async def feeding(
    functions: Iterable[Function],
    handlers: Mapping[str, Handler],
    tables: Mapping[str, str],
    endpoint: Endpoint,
) -> AsyncIterator[None]:
    """Feed functions from their streams and schedules while the context lasts, and tell them that it begins.

    Args:
        functions: those without such events are left alone.
        handlers: of the others at least, by the functions' names.
        tables: the tables' names by their names in the template.
        endpoint: the stand-in for AWS.
    """
    connections = Connections(endpoint.url, tls=default_tls, connect_seconds=CONNECT_SECONDS)
    streams = Client(DYNAMODB_STREAMS, Access(endpoint.url, endpoint.region, MADE_UP), connections)
    with closing(AWS(endpoint)) as aws, closing(streams):
        found = [
            feeder
            for function in functions
            for feeder in _feeders(function, handlers, tables, aws.dynamodb, streams, endpoint.region)
        ]
        tasks = [asyncio.create_task(feeder) for feeder in found]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _feeders(
    function: Function,
    handlers: Mapping[str, Handler],
    tables: Mapping[str, str],
    dynamodb: Client,
    streams: Client,
    region: str,
) -> Iterator[Feeder]:
    if not function.streams and not function.schedules and not function.deployments:
        return
    handler = handlers[function.name]
    for source in function.streams:
        stream = TableStream(dynamodb, streams, tables[source.table])
        yield feed_from_stream(function.name, handler, source, stream.read)
    for schedule in function.schedules:
        yield call_on_schedule(function.name, handler, schedule, region)
    for _ in function.deployments:
        yield call_after_deployment(function.name, handler, region)

"""Requests for jobs over ASGI."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

from pydantic import BaseModel

from sluice.asgi.application import Application, Operation
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.exchange import Exchange
from sluice.config import MediaSettings
from sluice.pipeline.address_limit import open_address_limiter
from sluice.pipeline.hashes import hashed
from sluice.pipeline.idempotency import HEADER
from sluice.pipeline.jobs.owned import find
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.jobs.visit import visited
from sluice.pipeline.path import Call
from sluice.pipeline.route import PROVIDER
from sluice.stores.job_records import Job, JobKind
from sluice.stores.keys import KeyRecord

PREFIXES = ("", "/api")
"""A client may use either's ``/v1`` as its base URL."""
JOB_ID = "id"


def studio_application(operations: Mapping[str, Operation[Studio]], *, name: str) -> Application[Studio]:
    """The application of a function that has jobs; see ``Application`` for the arguments."""
    return Application(
        operations,
        name=name,
        open_parts=lambda: Studio.open(MediaSettings.from_environment()),
        open_limiter=lambda studio: open_address_limiter(studio.gateway.settings, studio.gateway.aws),
        cross_origin=lambda studio: CrossOrigin(studio.gateway.settings.cors_origins),
        close_parts=Studio.close,
    )


async def submitting(exchange: Exchange, studio: Studio) -> Call:
    """A request that may make a job, with its body.

    Raises:
        RequestTooLargeError: its body is too large.
    """
    if exchange.header(HEADER):
        exchange.outlive_client()  # it may have given up waiting, and will come back for this answer
    return _call(exchange, await exchange.body(studio.settings.max_body_bytes))


@asynccontextmanager
async def visiting(exchange: Exchange, studio: Studio) -> AsyncIterator[KeyRecord]:
    """The key of a request about jobs that are there already; see ``visited``."""
    async with visited(studio, _call(exchange, b"")) as key:
        yield key


@asynccontextmanager
async def visiting_job(exchange: Exchange, studio: Studio, kind: JobKind | None = None) -> AsyncIterator[Job]:
    """The job that the path names, of this kind or any.

    Raises:
        NotFoundError: the key's owner has none; see also ``visited``.
    """
    async with visiting(exchange, studio) as key:
        job = await find(studio, key, exchange.path_parameters[JOB_ID], kind)
        exchange.record.job = job.id
        yield job


async def send_shape(
    exchange: Exchange,
    reply: BaseModel,
    headers: Mapping[str, str] | None = None,
    *,
    request_hash: str | None = None,
) -> None:
    """Answer with a shape, and with the two hashes where that of the request is given."""
    members = reply.model_dump(mode="json")
    if request_hash is None:
        body = reply.model_dump_json().encode()
    else:
        body, _ = await hashed(members, request_hash)
    await exchange.send_json(HTTPStatus.OK, body, headers)


def _call(exchange: Exchange, body: bytes) -> Call:
    return Call(
        authorization=exchange.header("authorization"),
        body=body,
        record=exchange.record,
        headers=exchange.reply_headers,
        idempotency_key=exchange.header(HEADER),
        providers=exchange.header(PROVIDER),
        allowed=exchange.allowed,
        afterwards=exchange.afterwards.append,
    )

"""Which models there are, and whether the gateway is up. No key is needed."""

import time
from datetime import UTC, datetime

from mangum import Mangum
from pydantic_core import to_json

from sluice.asgi.application import Application, get
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.exchange import Exchange
from sluice.asgi.models import ModelReplies
from sluice.config import ModelsSettings
from sluice.pipeline.address_limit import open_address_limiter
from sluice.pipeline.models import ModelsGateway
from sluice.process import memory_megabytes


async def list_models(exchange: Exchange, gateway: ModelsGateway) -> None:
    """GET all models."""
    await exchange.send_cacheable(REPLIES.all_models(gateway.catalog))


async def retrieve_model(exchange: Exchange, gateway: ModelsGateway) -> None:
    """GET one model; its id may contain slashes."""
    await exchange.send_cacheable(REPLIES.one_model(gateway.catalog, exchange.path_parameters["id"]))


async def health(exchange: Exchange, _: ModelsGateway) -> None:
    """GET the process's state: uptime in whole seconds, memory in MB."""
    now = datetime.now(UTC)
    body = {
        "status": "ok",
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "uptime": int(time.monotonic() - STARTED),
        "memory": memory_megabytes(),
    }
    await exchange.send_json(200, to_json(body), {"cache-control": "no-store"})


STARTED = time.monotonic()
REPLIES = ModelReplies()

app = Application(
    {
        "/v1/models": get(list_models),
        "/v1/models/{id:path}": get(retrieve_model),
        "/api/v1/models": get(list_models),
        "/api/v1/models/{id:path}": get(retrieve_model),
        "/health": get(health),
    },
    name="models",
    open_parts=lambda: ModelsGateway.open(ModelsSettings.from_environment()),
    open_limiter=lambda gateway: open_address_limiter(gateway.settings, gateway.aws),
    cross_origin=lambda gateway: CrossOrigin(gateway.settings.cors_origins),
    close_parts=ModelsGateway.close,
)
handler = Mangum(app, lifespan="off")

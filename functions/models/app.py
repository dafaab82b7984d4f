"""Which models there are, and whether the gateway is up. No key is needed."""

import time
from datetime import UTC, datetime

from mangum import Mangum

from sluice.api.health import Health, Memory
from sluice.asgi.application import Application, get
from sluice.asgi.exchange import Exchange
from sluice.asgi.models import model, model_list
from sluice.config import ModelsSettings
from sluice.pipeline.address_limit import open_address_limiter
from sluice.pipeline.models import ModelsGateway
from sluice.process import memory_megabytes


async def list_models(exchange: Exchange, gateway: ModelsGateway) -> None:
    """GET all models."""
    await exchange.send_json(200, model_list(gateway.catalog).model_dump_json().encode())


async def retrieve_model(exchange: Exchange, gateway: ModelsGateway) -> None:
    """GET one model; its id may contain slashes."""
    found = model(gateway.catalog, exchange.path_parameters["id"])
    await exchange.send_json(200, found.model_dump_json().encode())


async def health(exchange: Exchange, _: ModelsGateway) -> None:
    """GET the process's state: uptime in whole seconds, memory in MB."""
    now = datetime.now(UTC)
    state = Health(
        timestamp=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        uptime=int(time.monotonic() - STARTED),
        memory=Memory(**memory_megabytes()),
    )
    await exchange.send_json(200, state.model_dump_json().encode(), {"cache-control": "no-store"})


STARTED = time.monotonic()

app = Application(
    {
        "/v1/models": get(list_models),
        "/v1/models/{id:path}": get(retrieve_model),
        "/api/v1/models": get(list_models),
        "/api/v1/models/{id:path}": get(retrieve_model),
        "/health": get(health),
    },
    open_parts=lambda: ModelsGateway.open(ModelsSettings.from_environment()),
    open_limiter=lambda gateway: open_address_limiter(gateway.settings, gateway.aws),
    close_parts=ModelsGateway.close,
)
handler = Mangum(app, lifespan="off")

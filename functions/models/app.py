"""Which models there are, and whether the gateway is up. No key is needed."""

import time
from datetime import UTC, datetime

from sluice.api.health import Health, Memory
from sluice.asgi.application import Application, get
from sluice.asgi.buffered import buffered
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.exchange import Exchange
from sluice.asgi.models import ListReplies, one_model
from sluice.config import ModelsSettings
from sluice.pipeline.address_limit import open_address_limiter
from sluice.pipeline.live_catalog import utc_today
from sluice.pipeline.model_status import status_list
from sluice.pipeline.models import ModelsGateway
from sluice.process import memory_megabytes


async def list_models(exchange: Exchange, gateway: ModelsGateway) -> None:
    """GET all models."""
    current = await gateway.models.current()
    await exchange.send_cacheable(REPLIES.all_models(current.catalog, utc_today()))


async def show_status(exchange: Exchange, gateway: ModelsGateway) -> None:
    """GET how each model is."""
    found = status_list(await gateway.models.current(), time.time())
    await exchange.send_json(200, found.model_dump_json().encode(), {"cache-control": "no-cache"})


async def retrieve_model(exchange: Exchange, gateway: ModelsGateway) -> None:
    """GET one model; its id may contain slashes."""
    name = exchange.path_parameters["id"]
    await exchange.send_cacheable(one_model((await gateway.models.asked(name)).named))


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
REPLIES = ListReplies()

app = Application(
    {
        "/v1/models": get(list_models),
        "/v1/models/status": get(show_status),
        "/v1/models/{id:path}": get(retrieve_model),
        "/api/v1/models": get(list_models),
        "/api/v1/models/status": get(show_status),
        "/api/v1/models/{id:path}": get(retrieve_model),
        "/health": get(health),
    },
    name="models",
    open_parts=lambda: ModelsGateway.open(ModelsSettings.from_environment()),
    open_limiter=lambda gateway: open_address_limiter(gateway.settings, gateway.aws),
    cross_origin=lambda gateway: CrossOrigin(gateway.settings.cors_origins),
    close_parts=ModelsGateway.close,
)
handler = buffered(app)

"""The contract as an OpenAPI document, and as a page. No key is needed."""

from pathlib import Path

from mangum import Mangum

from sluice.asgi.application import Application, get
from sluice.asgi.docs import DocsSite
from sluice.asgi.exchange import Exchange
from sluice.asgi.files import send_file
from sluice.config import DocsSettings
from sluice.pipeline.address_limit import open_address_limiter


async def document(exchange: Exchange, site: DocsSite) -> None:
    """GET the OpenAPI document."""
    await send_file(exchange, site.document)


async def page(exchange: Exchange, site: DocsSite) -> None:
    """GET the page."""
    await send_file(exchange, site.page)


async def file(exchange: Exchange, site: DocsSite) -> None:
    """GET a file that the page loads."""
    await send_file(exchange, site.asset(exchange.path_parameters["file"]))


app = Application(
    {"/openapi.json": get(document), "/docs": get(page), "/docs/{file:path}": get(file)},
    open_parts=lambda: DocsSite.open(DocsSettings.from_environment(), Path(__file__).parent),
    open_limiter=lambda site: open_address_limiter(site.settings, site.aws),
    close_parts=DocsSite.close,
)
handler = Mangum(app, lifespan="off")

"""The contract as an OpenAPI document, and as a page that shows it. No key is needed."""

from pathlib import Path

from sluice.asgi.application import Application, get
from sluice.asgi.buffered import buffered
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.docs import DocsSite, send_asset, send_document, send_page
from sluice.config import DocsSettings
from sluice.pipeline.address_limit import open_address_limiter

app = Application(
    {"/openapi.json": get(send_document), "/docs": get(send_page), "/docs/{file:path}": get(send_asset)},
    name="docs",
    open_parts=lambda: DocsSite.open(DocsSettings.from_environment(), Path(__file__).parent),
    open_limiter=lambda site: open_address_limiter(site.settings, site.aws),
    cross_origin=lambda site: CrossOrigin(site.settings.cors_origins),
    close_parts=DocsSite.close,
)
handler = buffered(app)

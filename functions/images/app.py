"""Pictures, waited for or as jobs."""

from sluice.asgi.answering import gateway_application
from sluice.asgi.application import post
from sluice.asgi.exchange import Exchange
from sluice.errors import NotFoundError


async def _nothing_yet(_exchange: Exchange, _parts: object) -> None:
    raise NotFoundError("Nothing lives at this path.")


NOTHING_YET = post(_nothing_yet)

app = gateway_application(
    {
        prefix + path: NOTHING_YET
        for prefix in ("", "/api")
        for path in ("/v1/images/generations", "/v1/images/generations/{id}")
    },
    name="images",
)

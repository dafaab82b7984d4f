"""Video jobs, what providers call back, and what webhooks are signed with."""

from mangum import Mangum

from sluice.asgi.answering import gateway_application
from sluice.asgi.application import post
from sluice.asgi.exchange import Exchange
from sluice.errors import NotFoundError

PATHS = (
    "/v1/videos",
    "/v1/videos/generations",
    "/v1/videos/result/{id}",
    "/v1/videos/{id}",
    "/v1/videos/{id}/content",
    "/v1/jobs/{id}/deliveries",
    "/v1/webhooks/secret",
)


async def _nothing_yet(_exchange: Exchange, _parts: object) -> None:
    raise NotFoundError("Nothing lives at this path.")


NOTHING_YET = post(_nothing_yet)

app = gateway_application(
    {prefix + path: NOTHING_YET for prefix in ("", "/api") for path in PATHS}
    | {"/v1/jobs/{id}/callbacks/{secret}": NOTHING_YET},
    name="videos",
)
handler = Mangum(app, lifespan="off")

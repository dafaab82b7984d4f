"""Text completions, the predecessor of chat."""

from functools import partial

from sluice.asgi.answering import answer
from sluice.asgi.application import Application, post
from sluice.asgi.cors import CrossOrigin
from sluice.config import Settings
from sluice.pipeline.address_limit import open_address_limiter
from sluice.pipeline.completions import Completions
from sluice.pipeline.gateway import Gateway

COMPLETIONS = post(partial(answer, endpoint=Completions()))

app = Application(
    {"/v1/completions": COMPLETIONS, "/api/v1/completions": COMPLETIONS},
    name="completions",
    open_parts=lambda: Gateway.open(Settings.from_environment()),
    open_limiter=lambda gateway: open_address_limiter(gateway.settings, gateway.aws),
    cross_origin=lambda gateway: CrossOrigin(gateway.settings.cors_origins),
    close_parts=Gateway.close,
)

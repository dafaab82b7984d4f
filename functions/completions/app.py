"""Text completions, the predecessor of chat."""

from functools import partial

from sluice.asgi.answering import answer, gateway_application
from sluice.asgi.application import post
from sluice.pipeline.completions import Completions

COMPLETIONS = post(partial(answer, endpoint=Completions()))

app = gateway_application(
    {"/v1/completions": COMPLETIONS, "/api/v1/completions": COMPLETIONS},
    name="completions",
)

"""Embeddings."""

from functools import partial

from sluice.asgi.answering import answer, gateway_application
from sluice.asgi.application import post
from sluice.pipeline.embeddings import Embeddings

EMBEDDINGS = post(partial(answer, endpoint=Embeddings()))

app = gateway_application(
    {"/v1/embeddings": EMBEDDINGS, "/api/v1/embeddings": EMBEDDINGS},
    name="embeddings",
)

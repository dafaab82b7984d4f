"""An application with handlers that a test gives it."""

import json
from typing import Any

from sluice.asgi.application import Application, get, post
from sluice.asgi.cors import CrossOrigin
from sluice.asgi.exchange import Exchange

LIMIT = 10
"""Of a body, in bytes."""


async def echo(exchange: Exchange, parts: str) -> None:
    """Tell what arrived."""
    body = await exchange.body(LIMIT)
    await exchange.send_json(
        200, json.dumps({"parts": parts, "body": body.decode(), "a": exchange.header("X-A")}).encode()
    )


def app(**handlers: Any) -> Application[str]:
    """One that echoes at its root and has each of the handlers at a path of its name."""
    return Application(
        {"/": post(echo), "/get": get(echo), **{f"/{name}": post(each) for name, each in handlers.items()}},
        name="test",
        open_parts=lambda: "parts",
        open_limiter=lambda _: None,
        cross_origin=lambda _: CrossOrigin(frozenset()),
    )

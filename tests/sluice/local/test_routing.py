"""Routes as API Gateway matches them."""

from collections.abc import Callable
from typing import Any

import pytest

from sluice.local.blueprint import FixedReply
from sluice.local.event_sources import Route
from sluice.local.routing import Dispatcher, Mount

UNKNOWN = FixedReply(404, b"{}", {"Access-Control-Allow-Origin": "*"})
ROUTES = (
    Route("ANY", "/v1/models/{id+}"),
    Route("ANY", "/v1/models"),
    Route("ANY", "/v1/models/status"),
    Route("GET", "/v1/videos/{id}"),
    Route("ANY", "/v1/videos/{id}/content"),
    Route("POST", "/v1/videos/{id}"),
)


def app_that(sends: str) -> Callable[..., Any]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": sends, "scope": scope})

    return app


DISPATCHER = Dispatcher([Mount(route, app_that(f"{route.method} {route.path}")) for route in ROUTES], UNKNOWN)


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/v1/models", "ANY /v1/models"),
        ("DELETE", "/v1/models", "ANY /v1/models"),
        ("GET", "/v1/models/status", "ANY /v1/models/status"),
        ("GET", "/v1/models/gpt", "ANY /v1/models/{id+}"),
        ("GET", "/v1/models/deepseek-ai/DeepSeek-V3", "ANY /v1/models/{id+}"),
        ("GET", "/v1/videos/x", "GET /v1/videos/{id}"),
        ("POST", "/v1/videos/x", "POST /v1/videos/{id}"),
        ("GET", "/v1/videos/x/content", "ANY /v1/videos/{id}/content"),
    ],
)
async def test_the_most_specific_route_gets_the_request(method: str, path: str, route: str) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path}
    await DISPATCHER(scope, send, send)  # type: ignore[arg-type] # nobody receives here
    assert [message["type"] for message in sent] == [route]
    assert sent[0]["scope"] is scope


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1/models/"),
        ("GET", "/V1/models"),
        ("GET", "/v1/modelsx"),
        ("DELETE", "/v1/videos/x"),
        ("GET", "/v1/videos/x/y"),
        ("GET", "/v1/videos/x/content/"),
    ],
)
async def test_what_no_route_takes_gets_the_gateways_own_reply(method: str, path: str) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await DISPATCHER({"type": "http", "method": method, "path": path}, send, send)  # type: ignore[arg-type] # as above
    start, body = sent
    headers = dict(start["headers"])
    assert start["status"] == 404
    assert headers[b"x-request-id"]
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"access-control-allow-origin"] == b"*"
    assert body["body"] == UNKNOWN.body

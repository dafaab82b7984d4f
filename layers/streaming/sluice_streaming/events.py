"""API Gateway's REST proxy events, and the ordinary response to one. Mangum's adapter knows their shapes.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import json
from typing import Any, NamedTuple

from mangum.handlers.api_gateway import APIGateway
from mangum.types import LambdaConfig

from sluice_streaming.asgi import Headers, Scope

_CONFIG: LambdaConfig = {
    "api_gateway_base_path": "/",
    # What goes into the response as text; everything else travels in base64.
    "text_mime_types": ["text/", "application/json", "application/javascript", "application/xml"],
    "exclude_headers": [],
}

_UNTRUSTED = frozenset({"host", "x-forwarded-port", "x-forwarded-proto"})
"""What a client may say as it likes of how it came here. The adapter makes a number of the port, and fails where it is
none; API Gateway speaks nothing but https, and the scope says so without them."""

# From 2.4 on an application expects send() to fail when its client has gone, and need not watch receive() for
# that in a task of its own. On Lambda neither can tell.
_ASGI = {"version": "3.0", "spec_version": "2.4"}


class UnknownEventError(ValueError):
    """The event is none of API Gateway's REST proxy."""


class HTTPRequest(NamedTuple):
    """A request as ASGI wants it, and the adapter that can render its response."""

    scope: Scope
    body: bytes
    gateway: APIGateway


def read(payload: bytes, context: Any, state: dict[str, Any]) -> HTTPRequest:
    """Turn an event into a request.

    The scope also holds the event and the context, as ``aws.event`` and ``aws.context``.

    Args:
        payload: the event as JSON.
        context: the invocation's LambdaContext.
        state: what the application's lifespan put there; the request gets a copy.

    Raises:
        UnknownEventError: it is another event, or not JSON.
    """
    try:
        event = _proxy_event(json.loads(payload))
        gateway = APIGateway({**event, **_trusted_headers(event)}, context, _CONFIG)
        scope, body = gateway.scope, gateway.body
    except UnknownEventError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnknownEventError(f"{type(error).__name__}: {error}") from error
    scope["aws.event"] = event
    scope["asgi"] = _ASGI
    scope["server"] = None
    scope["state"] = state.copy()
    if scope["client"][0] is None:
        scope["client"] = None
    return HTTPRequest(scope, body, gateway)


def render(gateway: APIGateway, status: int, headers: Headers, body: bytes) -> bytes:
    """Write the ordinary, whole proxy response as JSON."""
    lines = [[name, value] for name, value in headers]
    return json.dumps(gateway({"status": status, "headers": lines, "body": body})).encode()


def _trusted_headers(event: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The headers of an event, both ways in which it has them, without the untrusted ones."""
    return {
        member: {
            name: value for name, value in (event.get(member) or {}).items() if name.lower() not in _UNTRUSTED
        }
        for member in ("headers", "multiValueHeaders")
    }


def _proxy_event(event: object) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise UnknownEventError(f"a {type(event).__name__}")
    if not APIGateway.infer(event, None, _CONFIG):  # type: ignore[arg-type] # it asks the event only
        # Names only: the values may be anybody's secrets.
        raise UnknownEventError(f"an object of {sorted(event)}")
    return event

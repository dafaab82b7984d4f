"""Lambda's handler for a function whose replies are whole: API Gateway's events to ASGI and back, by Mangum."""

from typing import Any, Final

from mangum import Mangum
from mangum.handlers.api_gateway import APIGateway
from mangum.types import ASGI, LambdaConfig, LambdaContext, LambdaEvent

UNTRUSTED: Final = frozenset({"host", "x-forwarded-port", "x-forwarded-proto"})
"""What a client may say as it likes of how it came here. Mangum makes a number of the port, and fails where it is none;
the application asks for none of them."""


def buffered(app: ASGI) -> Mangum:
    """The handler of a function. Only events of API Gateway's REST proxy are taken for such."""
    return Mangum(app, lifespan="off", custom_handlers=[RESTProxy])


class RESTProxy(APIGateway):
    """An event of the REST proxy, without what Mangum would believe of its headers."""

    def __init__(self, event: LambdaEvent, context: LambdaContext, config: LambdaConfig) -> None:
        super().__init__({**event, **trusted_headers(event)}, context, config)


def trusted_headers(event: LambdaEvent) -> dict[str, dict[str, Any]]:
    """The headers of an event, both ways in which it has them, without the untrusted ones."""
    return {
        member: {
            name: value for name, value in (event.get(member) or {}).items() if name.lower() not in UNTRUSTED
        }
        for member in ("headers", "multiValueHeaders")
    }

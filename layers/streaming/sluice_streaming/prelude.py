"""What goes before the body of a streamed HTTP reply.

The content type ``application/vnd.awslambda.http-integration-response`` is a JSON object, eight NUL bytes,
then the body. JSON escapes control characters, so the NULs cannot occur earlier. The object's members are
``statusCode``, ``headers`` (one value each), ``multiValueHeaders`` and ``cookies``.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

import json
from collections.abc import Iterable
from typing import Any

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
SEPARATOR = bytes(8)

MAX_LENGTH = 16 * 1024
"""API Gateway looks for the separator no further than this."""


def encode(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write the prelude of a reply, separator included.

    Header names come out in lower case. ``transfer-encoding`` is the connection's, not the application's, and
    is left out, as ASGI demands.

    Raises:
        TypeError, AttributeError: the headers are not pairs of bytes or the status is no integer.
    """
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    values.pop("transfer-encoding", None)
    cookies = values.pop("set-cookie", None)
    prelude: dict[str, Any] = {
        "statusCode": int(status),
        "headers": {name: several[0] for name, several in values.items() if len(several) == 1},
    }
    repeated = {name: several for name, several in values.items() if len(several) > 1}
    if repeated:
        prelude["multiValueHeaders"] = repeated
    if cookies:
        prelude["cookies"] = cookies
    return json.dumps(prelude, separators=(",", ":")).encode() + SEPARATOR

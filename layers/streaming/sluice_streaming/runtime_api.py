"""The Runtime API: what the platform asks and how it is answered.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, and for streamed replies
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming.
"""

import base64
import json

from sluice_streaming import prelude
from sluice_streaming.connection import Answer, Connection, HeaderLines
from sluice_streaming.invocation import Fault, Invocation

_ROOT = "/2018-06-01/runtime"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
_ERROR_BODY = "Lambda-Runtime-Function-Error-Body"
_XRAY_CAUSE = "Lambda-Runtime-Function-XRay-Error-Cause"
_INVOCATION_ID = "Lambda-Runtime-Invocation-Id"
_JSON: HeaderLines = (("Content-Type", "application/json"),)
_STREAM: HeaderLines = (
    ("Lambda-Runtime-Function-Response-Mode", "streaming"),
    ("Content-Type", prelude.CONTENT_TYPE),
    ("Trailer", f"{_ERROR_TYPE}, {_ERROR_BODY}"),
)

_OK, _ACCEPTED = 200, 202
_MAX_ERROR_TYPE = 128
# The platform's server is Go's, which drops a request whose trailers do not fit its read buffer of 4096 bytes.
_MAX_TRAILER_JSON = 2700
# Go refuses heads beyond 1 MiB.
_MAX_XRAY_CAUSE = 256 * 1024


class RuntimeAPIError(Exception):
    """The Runtime API answered with another status than the one it promises."""


class RuntimeAPI:
    """The calls of one slot.

    Each raises OSError when the connection fails, and RuntimeAPIError when the platform refuses it.

    Args:
        address: host and port, as AWS_LAMBDA_RUNTIME_API gives them.
    """

    def __init__(self, address: str) -> None:
        self._connection = Connection(address)
        self._stopped = False

    async def next(self) -> Invocation:
        """Wait for the next invocation, for as long as it takes."""
        while True:
            kept = await self._connection.open()
            if self._stopped:
                raise ConnectionAbortedError("stopped polling")
            try:
                answer = await self._connection.exchange("GET", f"{_ROOT}/invocation/next")
            except OSError:
                # A kept connection may have died of age; a fresh one that fails has a real fault.
                if not kept or self._stopped:
                    raise
            else:
                return _invocation(answer)

    def stop_polling(self) -> None:
        """Make the running ``next``, and all later ones, fail with a ConnectionError."""
        self._stopped = True
        self._connection.interrupt()

    async def reply(self, invocation: Invocation, body: bytes) -> None:
        """Answer with a whole JSON text."""
        path = f"{_ROOT}/invocation/{invocation.request_id}/response"
        _accepted(await self._connection.exchange("POST", path, [*_JSON, *_echo(invocation)], body))

    async def report(self, invocation: Invocation, fault: Fault) -> None:
        """Answer that the invocation failed; nothing of a reply may have been sent."""
        path = f"{_ROOT}/invocation/{invocation.request_id}/error"
        headers = [*_JSON, (_ERROR_TYPE, _error_type(fault)), *_echo(invocation)]
        cause = json.dumps(fault.xray)
        if len(cause) <= _MAX_XRAY_CAUSE:
            headers.append((_XRAY_CAUSE, cause))
        _accepted(await self._connection.exchange("POST", path, headers, json.dumps(fault.error).encode()))

    async def start_stream(self, invocation: Invocation, data: bytes) -> None:
        """Begin a streamed reply whose first chunk is ``data``, the prelude."""
        path = f"{_ROOT}/invocation/{invocation.request_id}/response"
        await self._connection.start(path, [*_STREAM, *_echo(invocation)], data)

    async def stream(self, data: bytes) -> None:
        """Send one chunk; waits while the platform is slow to take it."""
        await self._connection.send(data)

    async def end_stream(self, data: bytes) -> None:
        """Send the last chunk, which may be empty, and have the reply accepted."""
        _accepted(await self._connection.finish(data))

    async def break_stream(self, fault: Fault) -> None:
        """End a streamed reply with the trailers that tell the platform it is not complete."""
        _accepted(await self._connection.finish(trailers=trailers_of(fault)))

    def close(self) -> None:
        """Drop the connection."""
        self._connection.close()


def _invocation(answer: Answer) -> Invocation:
    headers = answer.headers
    request_id = headers.get("lambda-runtime-aws-request-id")
    if answer.status != _OK or request_id is None:
        raise RuntimeAPIError(f"/invocation/next answered {answer.status}: {answer.body[:500]!r}")
    return Invocation(
        request_id=request_id,
        body=answer.body,
        deadline_ms=int(headers.get("lambda-runtime-deadline-ms", 0)),
        function_arn=headers.get("lambda-runtime-invoked-function-arn"),
        trace_id=headers.get("lambda-runtime-trace-id"),
        client_context=headers.get("lambda-runtime-client-context"),
        cognito_identity=headers.get("lambda-runtime-cognito-identity"),
        tenant_id=headers.get("lambda-runtime-aws-tenant-id"),
        invocation_id=headers.get("lambda-runtime-invocation-id"),
    )


def _accepted(answer: Answer) -> None:
    if answer.status != _ACCEPTED:
        raise RuntimeAPIError(f"the reply was answered {answer.status}: {answer.body[:500]!r}")


def _echo(invocation: Invocation) -> HeaderLines:
    return [(_INVOCATION_ID, invocation.invocation_id)] if invocation.invocation_id else []


def _error_type(fault: Fault) -> str:
    printable = fault.error["errorType"].encode("ascii", "backslashreplace").decode()
    return "".join(character for character in printable if character.isprintable())[:_MAX_ERROR_TYPE]


def trailers_of(fault: Fault) -> HeaderLines:
    """Write the trailers that end a broken stream; short enough for the platform to read."""
    return [(_ERROR_TYPE, _error_type(fault)), (_ERROR_BODY, base64.b64encode(trailer_json(fault)).decode())]


def trailer_json(fault: Fault) -> bytes:
    """Render a fault in no more than the trailers may hold: the frames nearest to the fault stay."""
    message, frames = fault.error["errorMessage"], list(fault.error["stackTrace"])
    while True:
        error = {"errorType": _error_type(fault), "errorMessage": message, "stackTrace": frames}
        text = json.dumps(error).encode()
        if len(text) <= _MAX_TRAILER_JSON:
            return text
        if frames:
            del frames[0]
        else:
            message = message[: len(message) * 3 // 4]

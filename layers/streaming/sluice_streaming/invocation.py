"""What goes through the runtime: an invocation, and the fault that may come of it."""

from typing import Any, NamedTuple, TypedDict


class Invocation(NamedTuple):
    """One event and what the platform says about it; a header that was not there is None."""

    request_id: str
    body: bytes
    deadline_ms: int
    function_arn: str | None = None
    trace_id: str | None = None
    client_context: str | None = None
    cognito_identity: str | None = None
    tenant_id: str | None = None
    invocation_id: str | None = None


class Error(TypedDict):
    """Lambda's rendering of a failed invocation or initialisation."""

    errorMessage: str
    errorType: str
    requestId: str
    stackTrace: list[str]


class Fault(NamedTuple):
    """An exception in the two shapes in which the platform wants to hear of it."""

    error: Error
    xray: dict[str, Any]

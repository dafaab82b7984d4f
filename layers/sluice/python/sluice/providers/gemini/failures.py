"""Failures in Google's words.

Source: https://ai.google.dev/gemini-api/docs/troubleshooting.
"""

from collections.abc import Mapping
from typing import Any

from sluice.errors import ModelNotFoundError, SluiceError, UpstreamError
from sluice.providers.failures import exhausted, failure_of_status, retry_after_of
from sluice.providers.google_errors import error_of, quota_is_spent, refuses_credential, retry_delay_of

_STATUSES: Mapping[str, int] = {
    "INVALID_ARGUMENT": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""What a failure inside a reply of status 200 would have been as a status, where it tells no number."""

_OPERATOR = "FAILED_PRECONDITION"
"""The operator's account is not served where it is, or not without billing: no other request would fare better."""


def failure(status: int, headers: Mapping[str, str], body: bytes) -> SluiceError:
    """What a reply of any status but 200 means."""
    return _failure_of(status, error_of(body), retry_after_of(headers))


def raise_reported(raw: Mapping[str, Any]) -> None:
    """Raise what an ``error`` member in a reply of status 200 reports: so streams break off.

    Raises:
        SluiceError: there is one.
    """
    error = raw.get("error")
    if not error:
        return
    code, name = (error.get("code"), error.get("status")) if isinstance(error, dict) else (None, None)
    status = code if isinstance(code, int) and 400 <= code <= 599 else _STATUSES.get(str(name), 500)
    raise _failure_of(status, error)


def _failure_of(status: int, error: object, retry_after: float | None = None) -> SluiceError:
    if not isinstance(error, dict):
        return failure_of_status(status, None, retry_after=retry_after)
    name, details = error.get("status"), error.get("details")
    message = error.get("message") if isinstance(error.get("message"), str) else None
    if name == _OPERATOR:
        return UpstreamError("The provider does not serve the gateway's account.", retriable=False)
    if status == 429 and quota_is_spent(details):
        return exhausted()
    if refuses_credential(details):
        status = 401
    if retry_after is None:
        retry_after = retry_delay_of(details)
    code = ModelNotFoundError.code if status == 404 and name == "NOT_FOUND" else None
    return failure_of_status(status, message, code=code, retry_after=retry_after)

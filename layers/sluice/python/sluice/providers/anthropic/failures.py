"""Failures in Anthropic's words: ``{"type": "error", "error": {"type", "message", "details": {"error_code"}}}``.

A prompt that is too long is one ``invalid_request_error`` among others; only its message tells, and Anthropic says that
messages change, so it has no code of its own here.

Source: https://platform.claude.com/docs/en/api/errors.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from sluice.errors import ModelNotFoundError, SluiceError
from sluice.providers.failures import exhausted, failure_of_status, retry_after_of

STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""What an error event in a stream would have been as a status, by its type; anything else: 500."""

_EXHAUSTED_CODES = frozenset(
    {
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
        "linked_organization_billing_unavailable",
        "linked_organization_spend_limit_reached",
        "organization_on_hold",
    }
)
"""Codes that no waiting mends: the operator's account is at its end, whatever status says so."""


def failure(status: int, headers: Mapping[str, str], body: bytes) -> SluiceError:
    """Anthropic's error object, or whatever a proxy before it answered."""
    try:
        raw = from_json(body)
    except ValueError:
        raw = None  # not JSON: the status says enough
    return _failure_of(status, raw.get("error") if isinstance(raw, dict) else None, retry_after_of(headers))


def raise_reported(raw: Mapping[str, Any]) -> None:
    """Raise what an error event, or an error in a reply of status 200, reports, as if it had the status of its type.

    Proxies leave the type around it out.

    Raises:
        SluiceError: it is one.
    """
    error = raw.get("error")
    if raw.get("type", "error" if error else None) != "error":
        return
    kind = error.get("type") if isinstance(error, dict) else None
    raise _failure_of(STATUSES.get(kind, 500) if isinstance(kind, str) else 500, error)


def _failure_of(status: int, error: object, retry_after: float | None = None) -> SluiceError:
    try:
        reported = _ReportedError.model_validate(error)
    except ValidationError:
        reported = _ReportedError()
    code = reported.details.error_code if reported.details else None
    if code in _EXHAUSTED_CODES or reported.type == "billing_error":
        return exhausted()
    if reported.type == "not_found_error":
        # What a message asks for by name is its model; Anthropic's words for it are no more than that name.
        return ModelNotFoundError("The provider does not have this model.", param="model")
    return failure_of_status(status, reported.message, code=code, retry_after=retry_after)


class _Details(BaseModel):
    model_config = ConfigDict(extra="ignore")

    error_code: str | None = None


class _ReportedError(BaseModel):
    model_config = ConfigDict(extra="ignore")

    type: str | None = None
    message: str | None = None
    details: _Details | None = None

"""Failures in OpenAI's words, and in those of compatible hosts and of proxies before them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import from_json

from sluice.errors import InvalidRequestError, ModelNotFoundError, SluiceError
from sluice.providers.failures import exhausted, failure_of_status, retry_after_of
from sluice.providers.google_errors import quota_is_spent, refuses_credential, retry_delay_of
from sluice.providers.reading import objects_of

_REPORTED_STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "tokens": 429,
    "requests": 429,
    "overloaded_error": 503,
    "engine_overloaded": 503,
}
"""What an error inside a reply of status 200 would have been as a status, by its code or type; anything else: 500."""

_STATUSES: Mapping[int, int] = {498: 503}
"""Hosts' own statuses, and the usual ones for the same: Groq has no room in the tier ``flex``."""

_EXHAUSTED = 402
"""DeepSeek, OpenRouter and Together want to be paid."""

_FORBIDDEN = 403

_REFUSED = "moderation_blocked"
"""The code of a picture that OpenAI's filter does not let pass; older models' was content_policy_violation."""

_NOT_FOUND = 404
_OF_MODELS = frozenset({"not_found_error", "NotFoundError", "model_not_available", "404"})
"""Types and codes of a 404 that say that a model is not there (Ollama, vLLM, Together, OpenRouter): an address that is
none is answered without."""

_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "account_deactivated"})
"""Codes that no waiting mends: the operator's account is at its end."""


def failure(status: int, headers: Mapping[str, str], body: bytes) -> SluiceError:
    """OpenAI's error object, Google's, or whatever a compatible host or a proxy before it answered."""
    try:
        raw = from_json(body)
    except ValueError:
        raw = None  # not JSON: the status says enough
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]  # Google wraps it in an array
    return _failure_of(
        _STATUSES.get(status, status),
        _error_of(raw) if isinstance(raw, dict) else None,
        retry_after_of(headers),
    )


def raise_reported(raw: Mapping[str, Any]) -> None:
    """Raise what an ``error`` member in a reply of status 200 reports, as if it had the status that its code names.

    Raises:
        SluiceError: there is one.
    """
    error = raw.get("error")
    if not error:
        return
    kind, code = (error.get("type"), error.get("code")) if isinstance(error, dict) else (None, None)
    names = [name for name in (code, kind) if isinstance(name, str)]
    status = next((_REPORTED_STATUSES[name] for name in names if name in _REPORTED_STATUSES), 500)
    if isinstance(code, int) and 400 <= code <= 599:
        status = code
    raise _failure_of(status, error)


def _failure_of(status: int, error: object, retry_after: float | None = None) -> SluiceError:
    try:
        reported = _ReportedError.model_validate(error)
    except ValidationError:
        reported = _ReportedError()
    if status == _EXHAUSTED or reported.code in _QUOTA_CODES or reported.type in _QUOTA_CODES:
        return exhausted()
    if quota_is_spent(reported.details):
        return exhausted()
    if refuses_credential(reported.details):
        status = 401
    if retry_after is None:
        retry_after = retry_delay_of(reported.details)
    if status == _FORBIDDEN and isinstance(reported.metadata, dict) and reported.metadata.get("reasons"):
        # OpenRouter's moderation has found something in the prompt; the credential is good.
        return InvalidRequestError(
            reported.message or "The provider refused the prompt.", code="content_policy_violation"
        )
    if reported.code == _REFUSED:
        return InvalidRequestError(
            reported.message or "The provider refused the prompt.", code="content_policy_violation"
        )
    if status == _NOT_FOUND and {reported.type, reported.code} & _OF_MODELS:
        return ModelNotFoundError(reported.message or "The provider does not have this model.", param="model")
    return failure_of_status(
        status, reported.message, param=reported.param, code=reported.code, retry_after=retry_after
    )


def _error_of(raw: Mapping[str, Any]) -> object:
    """The error object in a body, or what is to be made of one that has none (xAI, Mistral, vLLM)."""
    error = raw.get("error")
    if isinstance(error, str):
        return {"message": error, "code": raw.get("code")}
    if error is not None:
        return error
    message = raw.get("message")
    detail = raw.get("detail") or (message.get("detail") if isinstance(message, dict) else None)
    if detail is None:
        return raw
    if isinstance(detail, str):
        return {"message": detail}
    faults = objects_of(detail)  # as FastAPI tells them
    return {
        "message": "; ".join(f"{_place(fault)}: {fault.get('msg')}" for fault in faults) or None,
        "param": _place(faults[0]) if faults else None,
    }


def _place(fault: Mapping[str, Any]) -> str:
    """Where a member is: ``messages[3].name`` for ``["body", "messages", 3, "user", "name"]``.

    The alternatives that were tried there, like ``user``, stand in the place too, and cannot be told from members.
    """
    where = fault.get("loc")
    elements = where[1:] if isinstance(where, list) and where[:1] == ["body"] else where
    path = ""
    for element in elements if isinstance(elements, list) else ():
        path += f"[{element}]" if isinstance(element, int) else f".{element}"
    return path.removeprefix(".")


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_Text = Annotated[str | None, BeforeValidator(_text)]


class _ReportedError(BaseModel):
    """OpenAI's error object; some hosts send numbers as codes."""

    model_config = ConfigDict(extra="ignore")

    message: _Text = None
    type: _Text = None
    param: _Text = None
    code: _Text = None
    details: object = None
    metadata: object = None

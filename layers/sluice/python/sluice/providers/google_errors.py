"""Google's error object, which its own API and its endpoint in OpenAI's format answer with.

``{"error": {"code", "message", "status", "details"}}``, sometimes alone in an array. ``details`` are objects of
``google.rpc``: why (``ErrorInfo``), how long to wait (``RetryInfo``), which quota is used up (``QuotaFailure``).

Source: https://cloud.google.com/apis/design/errors, https://ai.google.dev/gemini-api/docs/troubleshooting.
"""

import re
from typing import Any

from pydantic_core import from_json

from sluice.providers.reading import objects_of

_CREDENTIAL_REASONS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})
"""Reasons for a 400 that is the gateway's credential and not the client's request."""

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")
_SPENT = "perday"
"""In the id of a quota that only the next day renews; the others are of a minute."""


def error_of(body: bytes) -> object:
    """What a body reports in its member ``error``; None if it reports nothing, or is no JSON."""
    try:
        raw = from_json(body)
    except ValueError:
        return None  # the status says enough
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    return raw.get("error") if isinstance(raw, dict) else None


def refuses_credential(details: object) -> bool:
    """Whether the gateway's key is at fault, whatever the status says."""
    return any(detail.get("reason") in _CREDENTIAL_REASONS for detail in objects_of(details))


def retry_delay_of(details: object) -> float | None:
    """Seconds to wait; None where nothing is said. Google sends no ``retry-after`` header."""
    for detail in objects_of(details):
        delay = detail.get("retryDelay")
        match = _DURATION.fullmatch(delay) if isinstance(delay, str) else None
        if match is not None:
            return float(match[1])
    return None


def quota_is_spent(details: object) -> bool:
    """Whether no wait that a request can make mends it: a quota of the day, or one of nothing at all."""
    return any(_is_spent(violation) for detail in objects_of(details) for violation in _violations(detail))


def _violations(detail: dict[str, Any]) -> list[dict[str, Any]]:
    return objects_of(detail.get("violations"))


def _is_spent(violation: dict[str, Any]) -> bool:
    name, value = violation.get("quotaId"), violation.get("quotaValue")
    return (isinstance(name, str) and _SPENT in name.lower()) or value in ("0", 0)

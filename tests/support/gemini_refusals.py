"""Errors as the Gemini API answers with them."""

from dataclasses import dataclass, field
from typing import Any

STATUSES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPES = "type.googleapis.com/google.rpc."


@dataclass
class RefusedError(Exception):
    """A request that Gemini does not take."""

    message: str
    code: int = 400
    status: str = ""
    details: list[dict[str, Any]] = field(default_factory=list)

    @property
    def body(self) -> dict[str, Any]:
        """The error object, in its envelope."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "status": self.status or STATUSES[self.code],
        }
        return {"error": error | ({"details": self.details} if self.details else {})}


def bad_key() -> RefusedError:
    """The key is none."""
    detail = {"@type": _TYPES + "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
    return RefusedError("API key not valid. Please pass a valid API key.", details=[detail])


def unknown_model(name: str) -> RefusedError:
    """There is no such model."""
    return RefusedError(
        f"models/{name} is not found for API version v1beta, or is not supported for generateContent.", 404
    )


def unknown_member(name: str, place: str) -> RefusedError:
    """The request has a member that its message has not."""
    message = f"Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."
    violation = {"field": place, "description": message}
    return RefusedError(message, details=[{"@type": _TYPES + "BadRequest", "fieldViolations": [violation]}])


def quota(name: str, delay: str, value: str = "10") -> RefusedError:
    """A quota is used up, by its id; ``delay`` is how long to wait."""
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
        "quotaId": name,
        "quotaValue": value,
    }
    details: list[dict[str, Any]] = [
        {"@type": _TYPES + "QuotaFailure", "violations": [violation]},
        {"@type": _TYPES + "Help", "links": [{"description": "Learn more", "url": "https://ai.google.dev"}]},
        {"@type": _TYPES + "RetryInfo", "retryDelay": delay},
    ]
    message = f"You exceeded your current quota.\nPlease retry in {delay}."
    return RefusedError(message, 429, details=details)


OVERLOADED = RefusedError("The model is overloaded. Please try again later.", 503)
BROKEN = RefusedError("An internal error has occurred. Please retry.", 500)
NOT_SERVED = RefusedError(
    "User location is not supported for the API use.", 400, status="FAILED_PRECONDITION"
)
TOO_LONG = RefusedError(
    "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).", 400
)

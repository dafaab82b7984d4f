"""What the client of the gateway must see for each thing that a provider can do before its first event."""

from dataclasses import dataclass

import openai


@dataclass(frozen=True)
class Outcome:
    """An error as contract section 5 has it, and how the official client takes it."""

    raised: type[openai.APIStatusError]
    status: int
    type: str
    code: str | None
    param: str | None = None
    attempts: int = 1
    """How many requests the official client makes that would try three times."""
    retry_after: str | None = None
    says: str = ""
    """Part of the message."""


NONSENSE = Outcome(openai.InternalServerError, 502, "server_error", "upstream_error", attempts=3)
OUR_CREDENTIAL = Outcome(openai.InternalServerError, 502, "server_error", "upstream_error")
"""Nothing that a repetition would mend."""


def overloaded(retry_after: str, attempts: int = 3) -> Outcome:
    """A provider that throttles."""
    return Outcome(
        openai.InternalServerError,
        503,
        "server_error",
        "overloaded",
        attempts=attempts,
        retry_after=retry_after,
    )


def invalid(code: str, param: str, says: str) -> Outcome:
    """A request that the provider refuses, in its own words."""
    return Outcome(openai.BadRequestError, 400, "invalid_request_error", code, param, says=says)


WHOLE: dict[str, Outcome] = {
    "rate_limited": overloaded("1"),
    "rate_limited_for_long": overloaded("900", attempts=1),
    "rate_limited_silently": overloaded("1"),
    "unavailable": overloaded("1"),
    "insufficient_quota": OUR_CREDENTIAL,
    "unauthorized": OUR_CREDENTIAL,
    "forbidden": OUR_CREDENTIAL,
    "bad_request": invalid("invalid_value", "messages[0].name", "Invalid value for 'messages[0].name'"),
    "context_overflow": invalid("context_length_exceeded", "messages", "maximum context length is 128000"),
    "model_not_found": Outcome(
        openai.NotFoundError, 404, "invalid_request_error", "model_not_found", "model"
    ),
    "server_error": NONSENSE,
    "bad_gateway_page": NONSENSE,
    "redirected": NONSENSE,
    "page": NONSENSE,
    "empty": NONSENSE,
    "malformed_json": NONSENSE,
    "not_utf8": NONSENSE,
    "wrong_shape": NONSENSE,
    "not_an_object": NONSENSE,
    "error_with_status_200": NONSENSE,
    "disconnected": NONSENSE,
    "cut_whole": NONSENSE,
}

STREAMED: dict[str, Outcome] = {
    name: outcome for name, outcome in WHOLE.items() if name not in {"not_utf8", "cut_whole"}
} | {
    "done_only": NONSENSE,
    "malformed_sse": NONSENSE,
}

"""How a provider refuses with a status of its own, by the name of the behaviour."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Refusal:
    """A status and OpenAI's error object."""

    status: int
    message: str
    type: str
    param: str | None = None
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


REFUSALS: dict[str, Refusal] = {
    "rate_limited": Refusal(
        429,
        "Rate limit reached for requests",
        "requests",
        code="rate_limit_exceeded",
        headers={"retry-after": "1", "retry-after-ms": "50"},
    ),
    "rate_limited_for_long": Refusal(
        429,
        "Rate limit reached for tokens",
        "tokens",
        code="rate_limit_exceeded",
        headers={"retry-after": "900"},
    ),
    "rate_limited_silently": Refusal(429, "Too many requests", "requests", code="rate_limit_exceeded"),
    "insufficient_quota": Refusal(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        code="insufficient_quota",
    ),
    "bad_request": Refusal(
        400,
        "Invalid value for 'messages[0].name'",
        "invalid_request_error",
        param="messages[0].name",
        code="invalid_value",
    ),
    "context_overflow": Refusal(
        400,
        "This model's maximum context length is 128000 tokens. Your messages resulted in 128001 tokens.",
        "invalid_request_error",
        param="messages",
        code="context_length_exceeded",
    ),
    "forbidden": Refusal(
        403,
        "Project `proj_of_the_operator` does not have access to model",
        "invalid_request_error",
        code="model_not_found",
    ),
    "model_not_found": Refusal(
        404,
        "The model does not exist or you do not have access to it.",
        "invalid_request_error",
        code="model_not_found",
    ),
    "server_error": Refusal(500, "The server had an error", "server_error"),
    "unavailable": Refusal(
        503, "The engine is currently overloaded", "server_error", headers={"retry-after": "1"}
    ),
}

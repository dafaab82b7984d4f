"""Every error a client can see, and the one function that renders them.

The tree (HTTP status, type, code):

    SluiceError
    ├── InvalidRequestError          400 invalid_request_error   null or a code of the caller's
    │   ├── InvalidJSONError         400                         invalid_json
    │   ├── UnsupportedParameterError 400                        unsupported_parameter
    │   ├── InvalidAPIKeyError       401                         invalid_api_key
    │   ├── ModelNotAllowedError     403                         model_not_allowed
    │   ├── NotFoundError            404                         not_found
    │   │   └── ModelNotFoundError   404                         model_not_found
    │   ├── MethodNotAllowedError    405                         method_not_allowed
    │   ├── IdempotencyInProgressError 409                       idempotency_in_progress
    │   ├── RequestTooLargeError     413                         request_too_large
    │   ├── UnsupportedEncodingError 415                         unsupported_encoding
    │   └── IdempotencyKeyReusedError 422                        idempotency_key_reused
    ├── BudgetExceededError          402 budget_exceeded         budget_exceeded
    ├── RateLimitError               429 rate_limit_error        rate_limit_exceeded
    │   └── BudgetInFlightError      429                         budget_in_flight
    ├── InternalError                500 server_error            null
    ├── UpstreamError                502 server_error            upstream_error
    ├── OverloadedError              503 server_error            overloaded
    └── UpstreamTimeoutError         504 timeout_error           upstream_timeout

The envelope is OpenAI's: ``{"error": {"message", "type", "param", "code"}}``, all four always present. The SDKs
pick their exception class by status and retry 408, 409, 429 and 5xx unless ``x-should-retry`` says ``false``.
"""

import copy
import math
import re
from typing import ClassVar, Literal, Self, TypedDict

ErrorType = Literal[
    "invalid_request_error", "budget_exceeded", "rate_limit_error", "server_error", "timeout_error"
]


MAX_MESSAGE = 2_000
MAX_NAME = 200
MAX_KEY = 256

_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(sk-)(?:[A-Za-z0-9]{32,}[A-Za-z0-9_-]*|(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{16,})"
    r"|(agent_)[A-Za-z0-9]{32,}|(AIza)[A-Za-z0-9_-]{30,})"
)
"""What keys look like: ours, and those of the providers whose keys have a shape."""


class ErrorBody(TypedDict):
    """The four members of OpenAI's error object."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(TypedDict):
    """What stands in the body of every failed reply, and on the last line of a broken stream."""

    error: ErrorBody


class SluiceError(Exception):
    """Base of all errors that are answered to a client.

    Args:
        message: what went wrong, for the client's developer; never holds a key.
        param: the request member at fault, as a path such as ``messages[0].content``.
        code: overrides the class's code.
        retry_after: seconds after which the same request may succeed.
        retriable: False sends ``x-should-retry: false``, for what no repetition can mend.
    """

    status: ClassVar[int]
    type: ClassVar[ErrorType]
    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        retriable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        if code is not None:
            self.code = code
        self.retry_after = retry_after
        self.retriable = retriable
        self.upstream_status: int | None = None
        """What the provider answered, for the log."""
        self.unheard = False
        """Whether it is certain that no provider has got the request: what is made once may be asked for again."""

    def saying(self, message: str) -> Self:
        """The same failure in other words."""
        other = copy.copy(self)
        other.args, other.message = (message,), message
        return other


class InvalidRequestError(SluiceError):
    """The request is malformed, out of range or not allowed."""

    status = 400
    type = "invalid_request_error"


class InvalidJSONError(InvalidRequestError):
    """The body is not the JSON object it must be."""

    code = "invalid_json"


class UnsupportedParameterError(InvalidRequestError):
    """The chosen provider cannot express what was asked for."""

    code = "unsupported_parameter"


class InvalidAPIKeyError(InvalidRequestError):
    """Missing, unknown, inactive and expired keys: one answer, so that it tells nothing about the key."""

    status = 401
    code = "invalid_api_key"


class ModelNotAllowedError(InvalidRequestError):
    """The key exists, the model too, but not for each other."""

    status = 403
    code = "model_not_allowed"


class NotFoundError(InvalidRequestError):
    """Nothing lives at this path."""

    status = 404
    code = "not_found"


class ModelNotFoundError(NotFoundError):
    """The catalogue has no such model."""

    code = "model_not_found"


class MethodNotAllowedError(InvalidRequestError):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"


class IdempotencyInProgressError(InvalidRequestError):
    """The first request of this Idempotency-Key is still being answered."""

    status = 409
    code = "idempotency_in_progress"


class RequestTooLargeError(InvalidRequestError):
    """The body exceeds what one invocation can carry."""

    status = 413
    code = "request_too_large"


class UnsupportedEncodingError(InvalidRequestError):
    """The body is compressed, or encoded in another way that is not undone here."""

    status = 415
    code = "unsupported_encoding"


class IdempotencyKeyReusedError(InvalidRequestError):
    """The Idempotency-Key belongs to a request with another body."""

    status = 422
    code = "idempotency_key_reused"


class BudgetExceededError(SluiceError):
    """What is left of the key's budget cannot pay for the request; no repetition mends that."""

    status = 402
    type = "budget_exceeded"
    code = "budget_exceeded"


class RateLimitError(SluiceError):
    """The key or the client address has had its requests or tokens of this minute or day."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class BudgetInFlightError(RateLimitError):
    """The budget would do, but requests in flight hold a part of it, most of which they will give back."""

    code = "budget_in_flight"


class InternalError(SluiceError):
    """Our fault."""

    TOLD = "The gateway failed. The request id tells its operator why."
    """All that a client is told of it."""

    status = 500
    type = "server_error"


class UpstreamError(SluiceError):
    """The provider failed, answered nonsense or refused the gateway."""

    status = 502
    type = "server_error"
    code = "upstream_error"


class OverloadedError(SluiceError):
    """A provider or a store throttles."""

    status = 503
    type = "server_error"
    code = "overloaded"


class UpstreamTimeoutError(SluiceError):
    """The provider did not answer within the request's deadline."""

    status = 504
    type = "timeout_error"
    code = "upstream_timeout"


def envelope(error: SluiceError) -> ErrorEnvelope:
    """Render an error for a JSON reply or for the last line of a stream.

    What a client or a provider put into its texts is masked where it looks like a key, and cut where it is long.
    """
    return {
        "error": {
            "message": masked(error.message, MAX_MESSAGE),
            "type": error.type,
            "param": None if error.param is None else masked(error.param),
            "code": None if error.code is None else masked(error.code),
        }
    }


def masked(text: str, length: int = MAX_NAME) -> str:
    """A text that strangers have a hand in, fit for an error or a log: no key in it, and not longer than ``length``."""
    return _KEY.sub(r"\1\2\3…", text[: length + MAX_KEY])[:length]


def headers(error: SluiceError) -> dict[str, str]:
    """The reply headers that tell an SDK whether and when to try again.

    ``Retry-After`` is in whole seconds, rounded up; ``retry-after-ms``, which the OpenAI SDKs prefer, is exact.
    """
    found: dict[str, str] = {}
    if error.retry_after is not None:
        found["retry-after"] = str(math.ceil(error.retry_after))
        found["retry-after-ms"] = str(math.ceil(error.retry_after * 1000))
    if error.retriable is not None:
        found["x-should-retry"] = "true" if error.retriable else "false"
    return found

"""Failures in AWS's words: of a whole reply, and in the middle of a stream.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html and the errors of each operation.
"""

from collections.abc import Mapping

from pydantic_core import from_json

from sluice.errors import ModelNotFoundError, SluiceError, UpstreamError
from sluice.providers.failures import failure_of_status, retry_after_of
from sluice.wire.eventstream import ERROR, EXCEPTION

STATUSES: Mapping[str, int] = {
    "AccessDeniedException": 403,
    "ExpiredToken": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignature": 403,
    "IncompleteSignatureException": 403,
    "InvalidClientTokenId": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationToken": 403,
    "MissingAuthenticationTokenException": 403,
    "NotAuthorized": 403,
    "OptInRequired": 403,
    "SignatureDoesNotMatch": 403,
    "UnrecognizedClientException": 403,
    "ThrottlingException": 429,
    "TooManyRequestsException": 429,
    "ServiceQuotaExceededException": 429,
    "ModelNotReadyException": 429,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
    "InternalFailure": 500,
    "InternalServerException": 500,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ModelTimeoutException": 408,
    "RequestEntityTooLargeException": 413,
    "ResourceNotFoundException": 404,
    "SerializationException": 400,
    "ValidationException": 400,
}
"""What an error means, as a status, whatever status it comes with: a stream's has none, and some come with 400."""

_TYPE_HEADER = "x-amzn-errortype"


def failure(status: int, headers: Mapping[str, str], body: bytes) -> SluiceError:
    """An error's name is in a header or in ``__type``, with a namespace before ``#`` or an address after ``:``."""
    try:
        raw = from_json(body)
    except ValueError:
        raw = None  # not JSON: the status says enough
    named = headers.get(_TYPE_HEADER) or (raw.get("__type") if isinstance(raw, dict) else None)
    name = named.partition(":")[0].rpartition("#")[2] if isinstance(named, str) else ""
    if status == 404 and name not in STATUSES:
        return failure_of_status(status, None)  # an address that is none
    return _failure(STATUSES.get(name, status), _message(raw), retry_after_of(headers))


def failure_in_stream(name: str, data: bytes) -> SluiceError | None:
    """The failure that an event of this name reports; None where it reports none."""
    if name.startswith(ERROR):
        return _failure(STATUSES.get(name.removeprefix(ERROR), 500), None, None)
    if not name.startswith(EXCEPTION):
        return None
    kind = name.removeprefix(EXCEPTION)
    try:
        raw = from_json(data)
    except ValueError:
        raw = None
    return _failure(STATUSES.get(kind[:1].upper() + kind[1:], 500), _message(raw), None)


def _failure(status: int, message: str | None, retry_after: float | None) -> SluiceError:
    match status:
        case 404:
            return failure_of_status(status, message, code=ModelNotFoundError.code)
        case 424:
            return UpstreamError("The model failed at the provider.")
        case _:
            return failure_of_status(status, message, retry_after=retry_after)


def _message(raw: object) -> str | None:
    if not isinstance(raw, dict):
        return None
    found = raw.get("message") or raw.get("Message")
    return found if isinstance(found, str) else None

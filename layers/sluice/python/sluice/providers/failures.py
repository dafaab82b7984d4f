"""Upstream statuses and what they mean for a client: the part that is alike for all providers.

A provider's 401 or 403 is the gateway's credential and not the client's, so it is a 502 whose message tells nothing of
the provider's answer, which may quote a part of the credential.
"""

import email.utils
import re
from collections.abc import Mapping

from sluice.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    OverloadedError,
    RequestTooLargeError,
    SluiceError,
    UpstreamError,
    UpstreamTimeoutError,
)

DEFAULT_RETRY_AFTER = 1.0
"""Seconds, for a provider that throttles and does not say how long."""

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?")


def failure_of_status(
    status: int,
    message: str | None,
    *,
    param: str | None = None,
    code: str | None = None,
    retry_after: float | None = None,
) -> SluiceError:
    """Map a status, with what the provider's error body says where it says anything.

    Args:
        status: the provider's HTTP status.
        message: the provider's words; only used where the fault is the client's.
        param: the member at fault, by the provider's word.
        code: the provider's code.
        retry_after: seconds, by the provider's word.
    """
    match status:
        case 400 | 422:
            return InvalidRequestError(message or "The provider refused the request.", param=param, code=code)
        case 401 | 402 | 403:
            return UpstreamError("The provider refused the gateway's credential.", retriable=False)
        case 404 if code == ModelNotFoundError.code:
            return ModelNotFoundError(
                message or "The provider does not have this model.", param=param or "model"
            )
        case 413:
            return RequestTooLargeError(message or "The request is too large for the provider.", param=param)
        case 408 | 504:
            return UpstreamTimeoutError("The provider did not answer in time.")
        case 429:
            return OverloadedError(
                "The provider limits the gateway's rate of requests; try again.",
                retry_after=DEFAULT_RETRY_AFTER if retry_after is None else retry_after,
            )
        case 503 | 529:
            return OverloadedError(
                "The provider is overloaded; try again.",
                retry_after=DEFAULT_RETRY_AFTER if retry_after is None else retry_after,
            )
        case _:
            return UpstreamError(f"The provider answered with status {status}.")


def exhausted() -> UpstreamError:
    """The failure of an account that no waiting mends: a quota or a credit of the operator's is used up."""
    return UpstreamError("The gateway's account at the provider is exhausted.", retriable=False)


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Seconds from ``retry-after-ms`` or ``retry-after``, None where there is neither.

    A date is read against the provider's own ``date`` header, so that no clock of ours has to agree with it.
    """
    milliseconds = headers.get("retry-after-ms", "")
    if _SECONDS.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
        now = email.utils.parsedate_to_datetime(headers.get("date", ""))
    except (OverflowError, ValueError):
        return None
    return max(0.0, until.timestamp() - now.timestamp())

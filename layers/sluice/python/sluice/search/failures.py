"""What a reply of any status but 200 means: alike for all engines, by status alone.

An engine's own words tell a client nothing, and may quote the query or the credential.
"""

from collections.abc import Mapping

from sluice.errors import OverloadedError, SluiceError, UpstreamError
from sluice.providers.failures import DEFAULT_RETRY_AFTER, retry_after_of

_REFUSED = frozenset({401, 402, 403, 432, 433})
"""The operator's account is unknown or at its end; 432 and 433 are Tavily's words for the latter."""

_BUSY = frozenset({429, 503})

_CHALLENGED = frozenset({202, 418})
"""DuckDuckGo's for whom it takes for a robot."""


def failure(status: int, headers: Mapping[str, str]) -> SluiceError:
    """The error of a status; header names are in lower case."""
    if status in _REFUSED:
        return UpstreamError("The search engine refused the gateway's account.", retriable=False)
    if status in _BUSY:
        told = retry_after_of(headers)
        return OverloadedError(
            "The search engine limits the gateway's rate of requests.",
            retry_after=DEFAULT_RETRY_AFTER if told is None else told,
        )
    if status in _CHALLENGED:
        return UpstreamError("The search engine takes the gateway for a robot.")
    return UpstreamError(f"The search engine answered with status {status}.")

"""Requests to Anthropic, or to a host of its format.

Source: https://platform.claude.com/docs/en/api/overview.
"""

from typing import Any, assert_never

from pydantic_core import to_json

from sluice.credentials import AWSCredentials
from sluice.errors import UpstreamError
from sluice.providers.contract import Target, UpstreamRequest

VERSION = "2023-06-01"
"""The version of the API. Its successor, 2026-10-21, takes temperature, top_p and top_k for no model; an operator who
wants it all the same sets the header ``anthropic-version`` in the catalogue."""

JSON = "application/json"
STREAM_CONTENT_TYPE = "text/event-stream"

_PATH_PREFIX = "/v1"


def post(target: Target, path: str, body: dict[str, Any], *, streams: bool = False) -> UpstreamRequest:
    """A request with a JSON body.

    Raises:
        UpstreamError: the target's credential is of a kind that Anthropic does not know.
    """
    headers = {
        **_headers(target),
        "content-type": JSON,
        "accept": STREAM_CONTENT_TYPE if streams else JSON,
    }
    return UpstreamRequest(url=_url(target, path), body=to_json(body), headers=headers)


def get(target: Target, path: str) -> UpstreamRequest:
    """A request without a body.

    Raises:
        UpstreamError: as for ``post``.
    """
    headers = {**_headers(target), "accept": JSON}
    return UpstreamRequest(url=_url(target, path), body=b"", headers=headers, method="GET")


def _url(target: Target, path: str) -> str:
    """The official client's base URL has no ``/v1``, other hosts print theirs with it: both are meant."""
    return target.base_url.rstrip("/").removesuffix(_PATH_PREFIX) + _PATH_PREFIX + path


def _headers(target: Target) -> dict[str, str]:
    headers = {"anthropic-version": VERSION}
    headers.update((name.lower(), value) for name, value in target.headers.items())
    match target.credential:
        case str(secret):
            headers["x-api-key"] = secret
        case AWSCredentials():
            raise UpstreamError("Anthropic has no use for an AWS role.", retriable=False)
        case None:
            pass
        case _:
            assert_never(target.credential)
    return headers

"""Requests to Anthropic, or to a host of its format.

Source: https://platform.claude.com/docs/en/api/overview.
"""

from typing import Any

from sluice.providers.contract import Target, UpstreamRequest
from sluice.providers.requests import JSON, get_json, headers_of, key_of, post_json

VERSION = "2023-06-01"
"""The version of the API. Its successor, 2026-10-21, takes temperature, top_p and top_k for no model; an operator who
wants it all the same sets the header ``anthropic-version`` in the catalogue."""

STREAM_CONTENT_TYPE = "text/event-stream"

_PATH_PREFIX = "/v1"


def post(target: Target, path: str, body: dict[str, Any], *, streams: bool = False) -> UpstreamRequest:
    """A request with a JSON body.

    Raises:
        UpstreamError: the target's credential is of a kind that Anthropic does not know.
    """
    accept = STREAM_CONTENT_TYPE if streams else JSON
    return post_json(_url(target, path), body, _headers(target), accept=accept)


def get(target: Target, path: str) -> UpstreamRequest:
    """A request without a body.

    Raises:
        UpstreamError: as for ``post``.
    """
    return get_json(_url(target, path), _headers(target))


def _url(target: Target, path: str) -> str:
    """The official client's base URL has no ``/v1``, other hosts print theirs with it: both are meant."""
    return target.base_url.rstrip("/").removesuffix(_PATH_PREFIX) + _PATH_PREFIX + path


def _headers(target: Target) -> dict[str, str]:
    headers, key = {"anthropic-version": VERSION, **headers_of(target)}, key_of(target)
    if key is not None:
        headers["x-api-key"] = key
    return headers

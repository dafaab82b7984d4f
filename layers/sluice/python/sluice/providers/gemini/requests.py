"""Requests to the Gemini API: address, version, key."""

import re
from typing import Any
from urllib.parse import quote

from sluice.providers.contract import Target, UpstreamRequest
from sluice.providers.requests import JSON, get_json, headers_of, key_of, post_json

KEY_HEADER = "x-goog-api-key"
"""Never the query parameter ``key``: addresses end up in logs."""

STREAM_CONTENT_TYPE = "text/event-stream"

DEFAULT_VERSION = "v1beta"
"""Where the catalogue's address has none. v1 takes the same requests, but not for the newest models."""

_HAS_VERSION = re.compile(r"/v\d+((alpha|beta)\d*)?$")
_COLLECTIONS = ("models/", "tunedModels/")


def post(target: Target, method: str, body: dict[str, Any], *, streams: bool = False) -> UpstreamRequest:
    """A call of one of the target's model's methods.

    Raises:
        UpstreamError: the target's credential is of a kind that Google does not know.
    """
    query = "?alt=sse" if streams else ""
    url = _url(target, f"{quote(resource_of(target.model))}:{method}{query}")
    return post_json(url, body, headers_with_key(target), accept=STREAM_CONTENT_TYPE if streams else JSON)


def get(target: Target, path: str) -> UpstreamRequest:
    """A request without a body.

    Raises:
        UpstreamError: as for ``post``.
    """
    return get_json(_url(target, path), headers_with_key(target))


def resource_of(model: str) -> str:
    """A model's resource name: ids may come with or without their collection."""
    return model if model.startswith(_COLLECTIONS) else f"models/{model}"


def _url(target: Target, path: str) -> str:
    base = target.base_url.rstrip("/")
    return f"{base}/{path}" if _HAS_VERSION.search(base) else f"{base}/{DEFAULT_VERSION}/{path}"


def headers_with_key(target: Target) -> dict[str, str]:
    """The headers of any request to Google's host.

    Raises:
        UpstreamError: as for ``post``.
    """
    headers, key = headers_of(target), key_of(target)
    if key is not None:
        headers[KEY_HEADER] = key
    return headers

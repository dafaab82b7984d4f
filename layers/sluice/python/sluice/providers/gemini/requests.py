"""Requests to the Gemini API: address, version, key."""

import re
from typing import Any, assert_never
from urllib.parse import quote

from pydantic_core import to_json

from sluice.credentials import AWSCredentials
from sluice.errors import UpstreamError
from sluice.providers.contract import Target, UpstreamRequest

KEY_HEADER = "x-goog-api-key"
"""Never the query parameter ``key``: addresses end up in logs."""

STREAM_CONTENT_TYPE = "text/event-stream"
JSON = "application/json"

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
    return UpstreamRequest(
        url=_url(target, f"{quote(resource_of(target.model))}:{method}{query}"),
        body=to_json(body),
        headers={
            **_headers(target),
            "content-type": JSON,
            "accept": STREAM_CONTENT_TYPE if streams else JSON,
        },
    )


def get(target: Target, path: str) -> UpstreamRequest:
    """A request without a body.

    Raises:
        UpstreamError: as for ``post``.
    """
    headers = {**_headers(target), "accept": JSON}
    return UpstreamRequest(url=_url(target, path), body=b"", headers=headers, method="GET")


def resource_of(model: str) -> str:
    """A model's resource name: ids may come with or without their collection."""
    return model if model.startswith(_COLLECTIONS) else f"models/{model}"


def _url(target: Target, path: str) -> str:
    base = target.base_url.rstrip("/")
    return f"{base}/{path}" if _HAS_VERSION.search(base) else f"{base}/{DEFAULT_VERSION}/{path}"


def _headers(target: Target) -> dict[str, str]:
    headers = {name.lower(): value for name, value in target.headers.items()}
    match target.credential:
        case str(secret):
            headers[KEY_HEADER] = secret
        case AWSCredentials():
            raise UpstreamError("The Gemini API has no use for an AWS role.", retriable=False)
        case None:
            pass
        case _:
            assert_never(target.credential)
    return headers

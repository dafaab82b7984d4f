"""Requests to search engines."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from pydantic_core import to_json

from sluice.providers.contract import UpstreamRequest
from sluice.search.contract import SearchAccess

JSON = "application/json"


def get(
    access: SearchAccess,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    *,
    accept: str = JSON,
) -> UpstreamRequest:
    """A GET with a query string."""
    url = f"{access.base_url.rstrip('/')}{path}?{urlencode(query)}"
    return UpstreamRequest(url=url, body=b"", headers={"accept": accept, **(headers or {})}, method="GET")


def post(
    access: SearchAccess, path: str, body: Mapping[str, Any], headers: Mapping[str, str]
) -> UpstreamRequest:
    """A POST with a JSON body."""
    return UpstreamRequest(
        url=access.base_url.rstrip("/") + path,
        body=to_json(dict(body)),
        headers={"accept": JSON, "content-type": JSON, **headers},
    )

"""Requests to a host of OpenAI's format."""

from collections.abc import Iterable
from typing import Any

from sluice.providers.contract import Target, UpstreamRequest
from sluice.providers.openai.replies import STREAM_CONTENT_TYPE
from sluice.providers.requests import JSON, get_json, headers_of, key_of, post_json
from sluice.wire.form_data import Part, content_type_of, form_data


def post(
    target: Target, path: str, body: dict[str, Any], *, streams: bool = False, asks_usage: bool = True
) -> UpstreamRequest:
    """A request with a JSON body, for the target's model; a stream is asked for its usage, where it has to be.

    Raises:
        UpstreamError: the target's credential is of a kind that such a host does not know.
    """
    body["model"] = target.model
    if streams and asks_usage:
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    accept = STREAM_CONTENT_TYPE if streams else JSON
    return post_json(_url(target, path), body, _headers(target), accept=accept)


def get(target: Target, path: str) -> UpstreamRequest:
    """A request without a body.

    Raises:
        UpstreamError: as for ``post``.
    """
    return get_json(_url(target, path), _headers(target))


def post_form(target: Target, path: str, parts: Iterable[Part], *, boundary: str) -> UpstreamRequest:
    """A request with a form in its body.

    Raises:
        UpstreamError: as for ``post``.
    """
    headers = {**_headers(target), "content-type": content_type_of(boundary), "accept": JSON}
    return UpstreamRequest(_url(target, path), form_data(parts, boundary), headers)


def bare(target: Target, path: str, *, method: str = "GET", accept: str = JSON) -> UpstreamRequest:
    """A request without a body, by any method and for anything.

    Raises:
        UpstreamError: as for ``post``.
    """
    return UpstreamRequest(_url(target, path), b"", {**_headers(target), "accept": accept}, method)


def _url(target: Target, path: str) -> str:
    return target.base_url.rstrip("/") + path


def _headers(target: Target) -> dict[str, str]:
    headers, key = headers_of(target), key_of(target)
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    return headers

"""Requests to a host of OpenAI's format."""

from typing import Any, assert_never

from pydantic_core import to_json

from sluice.credentials import AWSCredentials
from sluice.errors import UpstreamError
from sluice.providers.contract import Target, UpstreamRequest
from sluice.providers.openai.replies import STREAM_CONTENT_TYPE

JSON = "application/json"


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
    return target.base_url.rstrip("/") + path


def _headers(target: Target) -> dict[str, str]:
    headers = {name.lower(): value for name, value in target.headers.items()}
    match target.credential:
        case str(secret):
            headers["authorization"] = f"Bearer {secret}"
        case AWSCredentials():
            raise UpstreamError("A provider of OpenAI's format has no use for an AWS role.", retriable=False)
        case None:
            pass
        case _:
            assert_never(target.credential)
    return headers

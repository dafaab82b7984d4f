"""Requests with a JSON body and a key in a header, as most providers take them."""

from collections.abc import Mapping
from typing import Any, assert_never

from pydantic_core import to_json

from sluice.credentials import AWSCredentials
from sluice.errors import UpstreamError
from sluice.providers.contract import Target, UpstreamRequest

JSON = "application/json"


def post_json(
    url: str, body: Mapping[str, Any], headers: Mapping[str, str], *, accept: str = JSON
) -> UpstreamRequest:
    """A request with a JSON body; ``accept`` is the content type of the reply."""
    return UpstreamRequest(
        url=url, body=to_json(body), headers={**headers, "content-type": JSON, "accept": accept}
    )


def get_json(url: str, headers: Mapping[str, str]) -> UpstreamRequest:
    """A request without a body."""
    return UpstreamRequest(url=url, body=b"", headers={**headers, "accept": JSON}, method="GET")


def headers_of(target: Target) -> dict[str, str]:
    """The headers that the catalogue gives a provider, their names in lower case."""
    return {name.lower(): value for name, value in target.headers.items()}


def key_of(target: Target) -> str | None:
    """The key that lets the gateway in; None where there is none.

    Raises:
        UpstreamError: the credential is an AWS role, which means nothing outside of AWS.
    """
    match target.credential:
        case AWSCredentials():
            raise UpstreamError("This provider has no use for an AWS role.", retriable=False)
        case str() | None:
            return target.credential
        case _:
            assert_never(target.credential)

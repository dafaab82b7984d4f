"""Requests to Bedrock: where a model is asked, and as whom.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html.
"""

import re
from collections.abc import Mapping
from typing import Any, assert_never
from urllib.parse import quote, urlsplit

from pydantic_core import to_json

from sluice.credentials import AWSCredentials
from sluice.errors import UpstreamError
from sluice.providers.contract import ProviderCall, Target, UpstreamRequest
from sluice.wire.eventstream import CONTENT_TYPE as EVENT_STREAM
from sluice.wire.sigv4 import signed_headers

JSON = "application/json"

_SERVICE = "bedrock"
"""In signatures; in host names it is ``bedrock-runtime``."""
_UNRESERVED = "-._~"
"""What stays as it is in a model's id, of which an ARN has ``:`` and ``/``."""
_REGION = re.compile(r"(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z]+(?:-[a-z]+)+-\d+)\.")
"""In a host name, that of a VPC endpoint included."""


def post[Request](
    call: ProviderCall[Request], operation: str, body: dict[str, Any], *, streams: bool = False
) -> UpstreamRequest:
    """A request with a JSON body to the target's model, signed or with an API key.

    Args:
        call: where it goes, and when.
        operation: the last part of the path, such as ``converse``.
        body: to be written as JSON.
        streams: whether the reply is an event stream.

    Raises:
        UpstreamError: it is to be signed, and nothing says for which region.
    """
    path = f"model/{encoded(call.target.model)}/{operation}"
    return send(call.target, "POST", path, call.now, body, accept=EVENT_STREAM if streams else JSON)


def send(
    target: Target,
    method: str,
    path: str,
    now: float,
    body: Mapping[str, Any] | None = None,
    *,
    accept: str = JSON,
) -> UpstreamRequest:
    """A request for anything, signed or with an API key.

    Args:
        target: where it goes.
        method: in capitals.
        path: after the address, with names in it ``encoded``.
        now: epoch seconds.
        body: to be written as JSON; None for none.
        accept: the content type of the reply.

    Raises:
        UpstreamError: as for ``post``.
    """
    url = f"{target.base_url.rstrip('/')}/{path}"
    content = b"" if body is None else to_json(body)
    headers = {name.lower(): value for name, value in target.headers.items()}
    headers |= {"accept": accept} if body is None else {"content-type": JSON, "accept": accept}
    match target.credential:
        case str(key):
            headers["authorization"] = f"Bearer {key}"
        case AWSCredentials() as role:
            region = region_of(target)
            headers = signed_headers(
                method, url, headers, content, service=_SERVICE, region=region, credentials=role, now=now
            )
        case None:
            pass
        case _:
            assert_never(target.credential)
    return UpstreamRequest(url=url, body=content, headers=headers, method=method)


def encoded(name: str) -> str:
    """A model's or an invocation's name, as it stands in a path."""
    return quote(name, safe=_UNRESERVED)


def region_of(target: Target) -> str:
    """The region of the host, or where that tells none (a proxy, a test) the role's own.

    Raises:
        UpstreamError: neither is known.
    """
    found = _REGION.search(urlsplit(target.base_url).hostname or "")
    if found is not None:
        return found[1]
    own = target.credential.region if isinstance(target.credential, AWSCredentials) else None
    if own is None:
        raise UpstreamError("The gateway does not know the AWS region of the provider.", retriable=False)
    return own

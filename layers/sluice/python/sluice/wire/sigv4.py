"""AWS Signature Version 4, as pure functions of the time: of calls without a query, and of those to S3.

botocore's signer reads the clock, and its import alone takes longer than a request may; this is the part of it that
calls to DynamoDB, Secrets Manager, Bedrock and S3 need, and gives the same signatures.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

from sluice.credentials import AWSCredentials

_ALGORITHM = "AWS4-HMAC-SHA256"
_OWN_PREFIX = "x-amz-"
_S3 = "s3"
_UNRESERVED = "-._~"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def signed_headers(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    service: str,
    region: str,
    credentials: AWSCredentials,
    now: float,
) -> dict[str, str]:
    """The headers to send: those given, and the time, the session token and the signature.

    Args:
        method: in capitals.
        url: absolute, without a query; its path without dots and encoded as it is sent.
        headers: names in lower case. ``content-type`` and AWS's own are signed, others may change on the way.
        body: all of it.
        service: its name in signatures, for example ``dynamodb``.
        region: where the service is.
        credentials: of the caller.
        now: epoch seconds.
    """
    moment = _moment(now)
    sent = {**headers, "x-amz-date": moment}
    if credentials.token:
        sent["x-amz-security-token"] = credentials.token
    address = urlsplit(url)
    signed = {"host": headers.get("host") or _host(url)}
    for name, value in sent.items():
        if name == "content-type" or name.startswith(_OWN_PREFIX):
            signed[name] = " ".join(value.split())
    canonical = _Canonical(
        method, quote(address.path or "/", safe="/~"), "", signed, hashlib.sha256(body).hexdigest()
    )
    sent["authorization"] = _authorization(canonical, _Scope(moment, region, service), credentials)
    return sent


def s3_headers(
    method: str,
    url: str,
    headers: Mapping[str, str],
    digest: str,
    *,
    region: str,
    credentials: AWSCredentials,
    now: float,
) -> dict[str, str]:
    """The same for S3, which signs a path as it is sent, and wants to be told the digest of the body.

    Args:
        method: in capitals.
        url: absolute; its path and its query encoded as they are sent.
        headers: names in lower case; all of them are signed.
        digest: SHA-256 of the body in hex. S3 refuses a body that has another one.
        region: where the bucket is.
        credentials: of the caller.
        now: epoch seconds.
    """
    moment = _moment(now)
    sent = {**headers, "x-amz-date": moment, "x-amz-content-sha256": digest}
    if credentials.token:
        sent["x-amz-security-token"] = credentials.token
    address = urlsplit(url)
    signed = {name: " ".join(value.split()) for name, value in sent.items()}
    signed.setdefault("host", _host(url))
    canonical = _Canonical(method, address.path or "/", _sorted_query(address.query), signed, digest)
    sent["authorization"] = _authorization(canonical, _Scope(moment, region, _S3), credentials)
    return sent


type ReadMethod = Literal["GET", "HEAD"]


def presigned_url(
    url: str,
    parameters: Mapping[str, str],
    *,
    method: ReadMethod = "GET",
    seconds: int,
    region: str,
    credentials: AWSCredentials,
    now: float,
) -> str:
    """An address by which anybody may read an object of S3 for a while.

    Args:
        url: the object's, without a query; its path encoded as it is sent.
        parameters: further ones of the query, such as ``response-content-type``.
        method: the only one that it works with.
        seconds: from now, as long as which it works; a week at most.
        region: where the bucket is.
        credentials: whose right to read it is lent. If they end before, so does the address.
        now: epoch seconds.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html.
    """
    scope = _Scope(_moment(now), region, _S3)
    query = {
        **parameters,
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key}/{scope.text}",
        "X-Amz-Date": scope.moment,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.token:
        query["X-Amz-Security-Token"] = credentials.token
    encoded = _sorted_query(
        "&".join(
            f"{quote(name, safe=_UNRESERVED)}={quote(value, safe=_UNRESERVED)}"
            for name, value in query.items()
        )
    )
    canonical = _Canonical(
        method, urlsplit(url).path or "/", encoded, {"host": _host(url)}, "UNSIGNED-PAYLOAD"
    )
    return f"{url}?{encoded}&X-Amz-Signature={_signature(canonical, scope, credentials)}"


class _Scope(NamedTuple):
    """When and for what a signature counts."""

    moment: str
    region: str
    service: str

    @property
    def text(self) -> str:
        return f"{self.moment[:8]}/{self.region}/{self.service}/aws4_request"


class _Canonical(NamedTuple):
    """What of a request is signed, in the form in which it is."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    digest: str

    @property
    def names(self) -> str:
        return ";".join(sorted(self.headers))

    @property
    def text(self) -> str:
        lines = (f"{name}:{self.headers[name]}" for name in sorted(self.headers))
        return "\n".join([self.method, self.path, self.query, *lines, "", self.names, self.digest])


def _authorization(canonical: _Canonical, scope: _Scope, credentials: AWSCredentials) -> str:
    return (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope.text}, "
        f"SignedHeaders={canonical.names}, Signature={_signature(canonical, scope, credentials)}"
    )


def _signature(canonical: _Canonical, scope: _Scope, credentials: AWSCredentials) -> str:
    digest = hashlib.sha256(canonical.text.encode()).hexdigest()
    text = "\n".join([_ALGORITHM, scope.moment, scope.text, digest])
    key = b"AWS4" + credentials.secret_key.encode()
    for part in scope.text.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _moment(now: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


def _host(url: str) -> str:
    address = urlsplit(url)
    return address.netloc.lower().removesuffix(_DEFAULT_PORTS[address.scheme])


def _sorted_query(query: str) -> str:
    """A query as it is signed: by name, and by value where names are alike, each with an equals sign.

    By the names alone: an equals sign comes after a hyphen, a dot and all digits.
    """
    parts = sorted(part.partition("=")[::2] for part in query.split("&") if part)
    return "&".join(f"{name}={value}" for name, value in parts)

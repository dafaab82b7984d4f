"""AWS Signature Version 4 of requests with a body and without a query, as a pure function of the time.

botocore's signer reads the clock, and its import alone takes longer than a request may; this is the part of it that
calls to DynamoDB, Secrets Manager and Bedrock need, and gives the same signature.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from sluice.credentials import AWSCredentials

_ALGORITHM = "AWS4-HMAC-SHA256"
_OWN_PREFIX = "x-amz-"
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
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    sent = {**headers, "x-amz-date": moment}
    if credentials.token:
        sent["x-amz-security-token"] = credentials.token
    address = urlsplit(url)
    host = address.netloc.lower().removesuffix(_DEFAULT_PORTS[address.scheme])
    signed = {"host": headers.get("host", host)}
    for name, value in sent.items():
        if name == "content-type" or name.startswith(_OWN_PREFIX):
            signed[name] = " ".join(value.split())
    names = sorted(signed)
    canonical = "\n".join(
        [
            method,
            quote(address.path or "/", safe="/~"),
            "",
            *(f"{name}:{signed[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = "\n".join([_ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + credentials.secret_key.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    sent["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return sent

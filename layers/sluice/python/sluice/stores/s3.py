"""The way to a bucket of S3: signed requests of its REST protocol, and what its failures mean here.

``stores.aws`` says why botocore stays out. A write can be made again although it may have been carried out: it puts the
same bytes in the same place.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
"""

import asyncio
import base64
import hashlib
import random
import re
import ssl
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode, urlsplit

from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.off_the_loop import off_the_loop
from sluice.stores.access import Access
from sluice.stores.aws import OVERLOADED_CODES, AWSError, overloaded
from sluice.stores.connections import ConnectionBrokenError, Connections, Reply
from sluice.wire.sigv4 import ReadMethod, presigned_url, s3_headers

CONNECT_SECONDS = 1.0
ATTEMPT_SECONDS = 5.0
BYTES_A_SECOND = 2 * 1024 * 1024
"""A connection that is slower is lost; Lambda's have many times that."""
ATTEMPTS = 4
BACKOFF_SECONDS = 0.1
"""Doubled for each further attempt, times a random factor up to 1."""

_UNRESERVED = "-._~/"
_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,100})</Code>")
_REGION = "x-amz-bucket-region"
_CHECKSUM = "x-amz-checksum-sha256"
_WITH_CHECKSUM = {"x-amz-checksum-mode": "ENABLED"}
_MISSING = frozenset({"NoSuchKey"})
_DONE = frozenset({200, 204, 206})


class BucketClient:
    """Calls one bucket.

    Args:
        access: where S3 is, and with which credentials.
        bucket: its name.
        path_style: whether the name stands in the path, as emulators have it, and not in the host's name.
        tls: makes the TLS context.
    """

    def __init__(
        self, access: Access, bucket: str, *, path_style: bool, tls: Callable[[], ssl.SSLContext]
    ) -> None:
        self._access = access
        if path_style:
            self._root = f"{access.url.rstrip('/')}/{bucket}"
        else:
            parts = urlsplit(access.url)
            self._root = f"{parts.scheme}://{bucket}.{parts.netloc}"
        self._host = urlsplit(self._root).netloc
        self._connections = Connections(self._root, tls=tls, connect_seconds=CONNECT_SECONDS)

    async def call(
        self,
        method: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        most_bytes: int | None = None,
    ) -> Reply | None:
        """Make one call, again if that may help; None where there is no such object.

        Args:
            method: in capitals.
            key: the object's; empty for the bucket itself.
            query: parameters.
            headers: names in lower case.
            body: what is put.
            most_bytes: the largest reply.

        Raises:
            OverloadedError: S3 throttles, fails or cannot be reached.
            AWSError: it refuses.
            ReplyTooLargeError: see ``Connections.send``.
        """
        url = self._url(key) + (
            f"?{urlencode(sorted(query.items()), quote_via=quote, safe='')}" if query else ""
        )
        sent = dict(headers or {})
        digest = await off_the_loop(hashlib.sha256, body)
        if method == "PUT":  # is kept with the object, and comes back with it
            sent[_CHECKSUM] = base64.b64encode(digest.digest()).decode()
            sent["x-amz-sdk-checksum-algorithm"] = "SHA256"
        elif method == "GET" and key:
            sent |= _WITH_CHECKSUM
        failure: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(BACKOFF_SECONDS * 2**attempt * random.random())  # noqa: S311 - spreads load only
            try:
                reply = await self._attempt(method, url, sent, body, digest.hexdigest(), most_bytes)
                return await _result_of(f"{method} of S3", method, reply)
            except (ConnectionBrokenError, OverloadedError) as error:
                failure = error
        logger.warning("%s of s3 failed %d times: %s", method, ATTEMPTS, failure)
        raise overloaded() from failure

    async def link(
        self, key: str, seconds: int, parameters: Mapping[str, str], method: ReadMethod = "GET"
    ) -> str:
        """See ``Bucket.link``; ``parameters`` are S3's."""
        return presigned_url(
            self._url(key),
            parameters,
            method=method,
            seconds=seconds,
            region=self._access.region,
            credentials=await self._access.credentials(),
            now=time.time(),
        )

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _url(self, key: str) -> str:
        return f"{self._root}/{quote(key, safe=_UNRESERVED)}"

    async def _attempt(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        digest: str,
        most_bytes: int | None,
    ) -> Reply:
        signed = s3_headers(
            method,
            url,
            {"host": self._host, **headers},
            digest,
            region=self._access.region,
            credentials=await self._access.credentials(),
            now=time.time(),
        )
        address = urlsplit(url)
        target = address.path + (f"?{address.query}" if address.query else "")
        return await self._connections.send(
            method,
            target,
            list(signed.items()),
            body,
            seconds=ATTEMPT_SECONDS + len(body) / BYTES_A_SECOND,
            most_bytes=most_bytes,
            bytes_a_second=BYTES_A_SECOND,
        )


async def _result_of(operation: str, method: str, reply: Reply) -> Reply | None:
    if reply.status in _DONE:
        if method == "GET":
            await _check(reply)
        return reply
    found = _CODE.search(reply.body)
    code = found[1].decode() if found else str(reply.status)
    if reply.status == 404 and (code in _MISSING or method == "HEAD"):
        return None
    if reply.status >= 500 or reply.status == 429 or code in OVERLOADED_CODES:
        raise overloaded()
    region = reply.headers.get(_REGION)  # S3 says so where another one was asked
    raise AWSError(
        operation, code, f"status {reply.status}" + (f"; the bucket is in {region}" if region else "")
    )


async def _check(reply: Reply) -> None:
    """See that an object is what was put.

    Raises:
        ConnectionBrokenError: it is not.
    """
    checksum = reply.headers.get(_CHECKSUM, "")
    # One of an object that was put in parts is of their checksums, and ends with their number.
    if checksum and "-" not in checksum:
        digest = await off_the_loop(hashlib.sha256, reply.body)
        if base64.b64encode(digest.digest()).decode() != checksum:
            raise ConnectionBrokenError("the checksum of an object is wrong")

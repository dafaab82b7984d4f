"""The bucket: what clients have asked for, what is being made, and what was made.

    jobs/<job id>/request.json     the request, and how it is carried out
    jobs/<job id>/failure.json     a provider's words about why it failed
    jobs/<job id>/received/<index> what a provider has sent, until it is checked and stored
    jobs/<job id>/made/            where a provider may put files itself
    outputs/<sha-256>              files, by their content

S3 is called as the other services are, without botocore (``stores.aws`` says why).
"""

import functools
import html
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from sluice.stores.aws import AWS
from sluice.stores.connections import ReplyTooLargeError
from sluice.wire.sigv4 import ReadMethod

if TYPE_CHECKING:
    from sluice.stores.s3 import BucketClient

BINARY = "application/octet-stream"

# S3 says all that is listed here in these words, and keys in the encoding that it is asked for.
_KEY = re.compile(rb"<Key>([^<]*)</Key>")
_MORE = re.compile(rb"<NextContinuationToken>([^<]*)</NextContinuationToken>")


def request_key(job_id: str) -> str:
    """Where a job's request lies."""
    return f"jobs/{job_id}/request.json"


def failure_key(job_id: str) -> str:
    """Where a provider's words about its failure lie."""
    return f"jobs/{job_id}/failure.json"


def work_key(job_id: str, index: int) -> str:
    """Where what a provider has sent lies until it is stored."""
    return f"jobs/{job_id}/received/{index}"


def made_prefix(job_id: str) -> str:
    """Under what a provider may put files itself."""
    return f"jobs/{job_id}/made/"


def job_prefix(job_id: str) -> str:
    """Under what all of a job lies but its outputs."""
    return f"jobs/{job_id}/"


def output_key(digest: str) -> str:
    """Where the file of a digest lies."""
    return f"outputs/{digest}"


@dataclass(frozen=True, slots=True)
class Blob:
    """An object of the bucket."""

    content: bytes = field(repr=False)
    content_type: str


class BlobTooLargeError(Exception):
    """An object is larger than the reader can take."""


class Bucket:
    """Reads and writes objects.

    Every method raises ``OverloadedError`` when S3 throttles or cannot be reached, ``AWSError`` when it refuses. Each
    can be repeated.

    Args:
        aws: the way to S3.
        name: the bucket's.
    """

    def __init__(self, aws: AWS, name: str) -> None:
        self.name = name
        self._aws = aws

    @functools.cached_property
    def _client(self) -> "BucketClient":
        return self._aws.bucket(self.name)

    async def put(self, key: str, blob: Blob) -> None:
        """Write an object in the place of any other; S3 checks that it is what was sent."""
        await self._client.call("PUT", key, headers={"content-type": blob.content_type}, body=blob.content)

    async def get(self, key: str, most_bytes: int) -> Blob | None:
        """An object; None where there is none.

        Raises:
            BlobTooLargeError: it has more bytes than that.
        """
        try:
            reply = await self._client.call("GET", key, most_bytes=most_bytes)
        except ReplyTooLargeError as error:
            raise BlobTooLargeError(f"{key} has more than {most_bytes} bytes") from error
        return None if reply is None else Blob(reply.body, reply.headers.get("content-type", BINARY))

    async def size(self, key: str) -> int | None:
        """How many bytes an object has; None where there is none."""
        reply = await self._client.call("HEAD", key)
        return None if reply is None else int(reply.headers["content-length"])

    async def delete(self, key: str) -> None:
        """Delete an object, if there is one."""
        await self._client.call("DELETE", key)

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """All keys under a prefix, page by page."""
        query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
        while True:
            reply = await self._client.call("GET", "", query=query)
            page = b"" if reply is None else reply.body
            for found in _KEY.findall(page):
                yield unquote_plus(html.unescape(found.decode()))
            more = _MORE.search(page)
            if more is None:
                return
            query["continuation-token"] = html.unescape(more[1].decode())

    async def link(
        self, key: str, seconds: int, answer: Mapping[str, str], method: ReadMethod = "GET"
    ) -> str:
        """An address at which anybody may read an object for so long, with ranges as S3 has them.

        Args:
            key: the object's; it need not be there.
            seconds: of the link's life; it ends with the credentials of this process, if they end before.
            answer: headers of the reply: ``content-type``, ``content-disposition``, ``cache-control``.
            method: the only one that the address works with.
        """
        return await self._client.link(
            key, seconds, {f"response-{name}": value for name, value in answer.items()}, method
        )

"""Gets a picture or a video, wherever its provider has left it.

An address that a provider names is fetched by https only, and only where it is public, unless it is on the provider's
own host: so no answer makes the gateway ask its own network. Our headers, in which the provider's credential may be, go
to the provider's own address and to no other. Redirects are followed by these same rules, because files are often
behind one (Gemini's are): the HTTP client itself follows none.
"""

from dataclasses import dataclass, replace
from typing import assert_never
from urllib.parse import SplitResult, urljoin, urlsplit

from sluice.errors import OverloadedError, SluiceError, UpstreamError, UpstreamTimeoutError
from sluice.pipeline.call import within
from sluice.pipeline.jobs.checking import TOO_LARGE, invalid_output
from sluice.pipeline.route import is_local
from sluice.providers.contract import InBucket, Inline, Media, Remote, Target, UpstreamRequest
from sluice.providers.failures import failure_of_status
from sluice.stores.bucket import BlobTooLargeError, Bucket, made_prefix
from sluice.upstream.client import Upstream, UpstreamResponse

MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Gets the files of one job.

    Attributes:
        upstream: fetches those that are elsewhere.
        bucket: has those that are here.
        job_id: whose.
        most_bytes: of a file.
        deadline: by the loop's clock.
    """

    upstream: Upstream
    bucket: Bucket
    job_id: str
    most_bytes: int
    deadline: float

    async def content(self, media: Media, target: Target) -> bytes:
        """The file's bytes; ``target`` is who made it.

        Raises:
            SluiceError: it cannot be fetched, is too large, or is not where it may be.
        """
        match media:
            case Inline():
                return self._bounded(media.content)
            case InBucket():
                return await self.from_bucket(media.key)
            case Remote():
                return await self._fetched(media.request, target)
            case unknown:
                assert_never(unknown)

    async def from_bucket(self, key: str) -> bytes:
        """A file that the provider has put into the bucket itself.

        Raises:
            UpstreamError: there is none, or it is too large, or not where it may be.
        """
        if not key.startswith(made_prefix(self.job_id)):
            raise invalid_output("The provider's file is not where it was to be.")
        try:
            blob = await self.bucket.get(key, self.most_bytes)
        except BlobTooLargeError as error:
            raise invalid_output(TOO_LARGE) from error
        if blob is None:
            raise UpstreamError("The provider has not put its file where it said.")
        return blob.content

    async def _fetched(self, request: UpstreamRequest, target: Target) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            request = _allowed(request, target)
            async with within(self.deadline), self.upstream.send(request) as response:
                if response.status == 200:
                    return await self._read(response)
                address = response.headers.get("location")
                if response.status not in _REDIRECTS or not address:
                    raise _failure_of_fetch(response.status)
            request = UpstreamRequest(urljoin(request.url, address), b"", request.headers, "GET")
        raise UpstreamError("The provider's file is behind too many redirects.")

    async def _read(self, response: UpstreamResponse) -> bytes:
        length = response.headers.get("content-length", "")
        if length.isascii() and length.isdecimal() and int(length) > self.most_bytes:
            raise invalid_output(TOO_LARGE)
        parts: list[bytes] = []
        length_read = 0
        async for part in response.chunks():
            length_read += len(part)
            if length_read > self.most_bytes:
                raise invalid_output(TOO_LARGE)
            parts.append(part)
        return b"".join(parts)

    def _bounded(self, content: bytes) -> bytes:
        if len(content) > self.most_bytes:
            raise invalid_output(TOO_LARGE)
        return content


def _allowed(request: UpstreamRequest, target: Target) -> UpstreamRequest:
    """The request as it may leave.

    Raises:
        UpstreamError: not at all.
    """
    try:
        place, own = urlsplit(request.url), urlsplit(target.base_url)
        is_own = _origin(place) == _origin(own)
    except ValueError as error:
        raise UpstreamError("The provider's file has no valid address.") from error
    if is_own:
        return request
    near = is_local(request.url) and is_local(target.base_url)
    if place.scheme != "https" and not (near and place.scheme == "http"):
        raise UpstreamError("The provider's file is not at an https address.", retriable=False)
    return replace(request, headers={}, public_only=not near and place.hostname != own.hostname)


def _origin(address: SplitResult) -> tuple[str, str | None, int | None]:
    port = address.port or {"http": 80, "https": 443}.get(address.scheme)
    return address.scheme, address.hostname, port


def _failure_of_fetch(status: int) -> SluiceError:
    """A file that cannot be had. It was made, so that the client is not at fault, whatever the status."""
    error = failure_of_status(status, None)
    if not isinstance(error, OverloadedError | UpstreamTimeoutError | UpstreamError):
        error = UpstreamError(f"The provider's file cannot be fetched: status {status}.")
    error.upstream_status = status
    return error

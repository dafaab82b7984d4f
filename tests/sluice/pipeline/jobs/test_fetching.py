"""A provider's file is got from where it may be, without our credential going anywhere else, and no more than fits."""

import asyncio
from urllib.parse import urlsplit

import pytest

from fake_upstream import FakeProviders, Part, Response
from memory_jobs import MemoryBucket
from sluice.errors import OverloadedError, SluiceError, UpstreamError
from sluice.pipeline.jobs.causes import cause_of
from sluice.pipeline.jobs.fetching import MOST_REDIRECTS, Fetcher
from sluice.providers.contract import InBucket, Inline, Media, Remote, Target, UpstreamRequest
from sluice.stores.bucket import Blob

TARGET = Target("alpha", "https://alpha/v1", "m-1")
LOCAL = Target("near", "http://127.0.0.1:8000/v1", "m-1")
SECRET = {"authorization": "Bearer secret"}
FILE = b"0123456789"


def file(*parts: Part, status: int = 200, **headers: str) -> Response:
    return Response(status, "image/png", parts or (FILE,), **headers)


def moved(location: str, status: int = 302) -> Response:
    return Response(status, "text/html", (b"it has moved",), location=location)


def remote(url: str) -> Remote:
    return Remote(UpstreamRequest(url, b"", SECRET, "GET"))


async def fetched(
    upstream: FakeProviders, media: Media, target: Target = TARGET, most_bytes: int = 10
) -> bytes:
    bucket = MemoryBucket()
    bucket.objects["jobs/video_1/made/a.mp4"] = Blob(FILE, "video/mp4")
    bucket.objects["jobs/video_2/made/a.mp4"] = Blob(b"another's", "video/mp4")
    deadline = asyncio.get_running_loop().time() + 5
    return await Fetcher(upstream, bucket, "video_1", most_bytes, deadline).content(media, target)


async def test_a_file_that_came_along() -> None:
    assert await fetched(FakeProviders(), Inline(FILE)) == FILE


async def test_a_file_at_the_providers_own_address_gets_the_credential() -> None:
    upstream = FakeProviders(alpha=[file(b"01234", b"56789")])
    assert await fetched(upstream, remote("https://alpha/files/1")) == FILE
    assert upstream.requests[0].headers == SECRET


@pytest.mark.parametrize(
    "url", ["https://files/1", "https://alpha:8443/1", "https://files:443/1"], ids=["host", "port", "both"]
)
async def test_no_other_address_gets_it(url: str) -> None:
    upstream = FakeProviders(alpha=[file()], files=[file()])
    assert await fetched(upstream, remote(url)) == FILE
    assert upstream.requests[0].headers == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://files/1",
        "http://alpha/1",
        "http://127.0.0.1:9/1",
        "file:///etc/passwd",
        "demo://alpha/1",
        "//files",
    ],
)
async def test_only_https_is_fetched(url: str) -> None:
    upstream = FakeProviders()
    with pytest.raises(UpstreamError, match="https") as caught:
        await fetched(upstream, remote(url))
    assert not cause_of(caught.value).passes
    assert upstream.requests == []


async def test_an_address_that_is_none_is_a_failure() -> None:
    with pytest.raises(UpstreamError, match="no valid address"):
        await fetched(FakeProviders(), remote("https://[::1/x"))


async def test_a_provider_on_this_machine_may_have_its_files_here() -> None:
    upstream = FakeProviders(localhost=[file()])
    assert await fetched(upstream, remote("http://localhost:9000/1"), LOCAL) == FILE
    assert upstream.requests[0].headers == {}


async def test_a_redirect_leads_elsewhere_without_the_credential() -> None:
    upstream = FakeProviders(alpha=[moved("/download/1"), moved("https://files/1", 307)], files=[file()])
    assert await fetched(upstream, remote("https://alpha/1")) == FILE
    assert [request.url for request in upstream.requests] == [
        "https://alpha/1",
        "https://alpha/download/1",
        "https://files/1",
    ]
    assert [dict(request.headers) for request in upstream.requests] == [SECRET, SECRET, {}]


@pytest.mark.parametrize(
    ("url", "target", "public_only"),
    [
        ("https://alpha/1", TARGET, False),
        ("https://ALPHA:8443/1", TARGET, False),
        ("https://files/1", TARGET, True),
        ("https://alpha.files/1", TARGET, True),
        ("https://127.0.0.1/1", TARGET, True),
        ("https://localhost/1", TARGET, True),
        ("http://localhost:9/1", LOCAL, False),
        ("https://[::1]/1", LOCAL, False),
        ("https://10.0.0.1/1", LOCAL, True),
        ("https://169.254.169.254/1", LOCAL, True),
    ],
)
async def test_only_what_is_public_is_fetched_unless_it_is_the_providers_own_host(
    url: str, target: Target, public_only: bool
) -> None:
    """``test_elsewhere`` has what becomes of it."""
    upstream = FakeProviders(**{urlsplit(url).hostname or "": [file()]})
    assert await fetched(upstream, remote(url), target) == FILE
    assert upstream.requests[0].public_only is public_only


async def test_a_redirect_of_the_providers_own_leads_to_public_addresses_alone() -> None:
    upstream = FakeProviders(alpha=[moved("https://files/1"), file()], files=[moved("https://alpha/2")])
    assert await fetched(upstream, remote("https://alpha/1")) == FILE
    assert [request.public_only for request in upstream.requests] == [False, True, False]


async def test_the_credential_does_not_come_back() -> None:
    upstream = FakeProviders(alpha=[moved("https://files/1"), file()], files=[moved("https://alpha/2")])
    assert await fetched(upstream, remote("https://alpha/1")) == FILE
    assert dict(upstream.requests[-1].headers) == {}


async def test_a_redirect_does_not_lead_out_of_https() -> None:
    upstream = FakeProviders(alpha=[moved("http://files/1")])
    with pytest.raises(UpstreamError, match="https"):
        await fetched(upstream, remote("https://alpha/1"))


async def test_redirects_end() -> None:
    upstream = FakeProviders(alpha=[moved("/1")])
    with pytest.raises(UpstreamError, match="too many redirects"):
        await fetched(upstream, remote("https://alpha/1"))
    assert len(upstream.requests) == MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    "answer",
    [file(b"01234567890"), file(b"0123456789", b"0"), file(b"", content_length="11")],
    ids=["at once", "piece by piece", "by its own word"],
)
async def test_a_file_that_is_too_large_is_not_read_to_its_end(answer: Response) -> None:
    with pytest.raises(UpstreamError, match="larger") as caught:
        await fetched(FakeProviders(alpha=[answer]), remote("https://alpha/1"))
    assert cause_of(caught.value).code == "invalid_output"


@pytest.mark.parametrize("media", [Inline(FILE + b"0"), InBucket("jobs/video_1/made/a.mp4")])
async def test_nor_is_one_from_anywhere_else(media: Media) -> None:
    with pytest.raises(UpstreamError, match="larger"):
        await fetched(FakeProviders(), media, most_bytes=9)


async def test_a_file_in_the_bucket() -> None:
    assert await fetched(FakeProviders(), InBucket("jobs/video_1/made/a.mp4")) == FILE


@pytest.mark.parametrize(
    "key", ["jobs/video_2/made/a.mp4", "jobs/video_1/request.json", "outputs/1", "jobs/video_1/made", ""]
)
async def test_a_provider_cannot_name_anything_else_there(key: str) -> None:
    with pytest.raises(UpstreamError, match="not where it was to be"):
        await fetched(FakeProviders(), InBucket(key))


async def test_a_file_that_is_not_in_the_bucket_may_come() -> None:
    with pytest.raises(UpstreamError) as caught:
        await fetched(FakeProviders(), InBucket("jobs/video_1/made/b.mp4"))
    assert cause_of(caught.value).passes


@pytest.mark.parametrize(
    ("status", "passes"), [(404, True), (403, False), (500, True), (429, True), (304, True)]
)
async def test_a_file_that_is_not_to_be_had_is_the_providers_fault(status: int, passes: bool) -> None:
    with pytest.raises(SluiceError) as caught:
        await fetched(FakeProviders(alpha=[file(b"no", status=status)]), remote("https://alpha/1"))
    cause = cause_of(caught.value)
    assert (cause.code, cause.passes) == ("upstream_error", passes)
    assert caught.value.upstream_status == status


async def test_a_connection_that_breaks_is_no_file() -> None:
    broken = file(b"0123", OverloadedError("it broke"))
    with pytest.raises(OverloadedError):
        await fetched(FakeProviders(alpha=[broken]), remote("https://alpha/1"))

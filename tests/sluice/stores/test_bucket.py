"""The bucket: objects come back as they were put, and links are good for whoever has them, for a while."""

import base64
import hashlib
import itertools
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from local_stack import botocore_client
from sluice.local.stack import Stack
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS
from sluice.stores.bucket import Blob, BlobTooLargeError, Bucket

names = (f"bucket-{number}" for number in itertools.count())


@pytest.fixture
def s3(made: tuple[Endpoint, Stack]) -> Any:
    return botocore_client(made[0], "s3")


@pytest.fixture
def bucket(aws: AWS, s3: Any) -> Bucket:
    name = next(names)
    s3.create_bucket(Bucket=name)
    return Bucket(aws, name)


@pytest.mark.parametrize("key", ["jobs/image_1/request.json", "outputs/a b+c~é%2F", "a=b&c?d"])
async def test_an_object_comes_back_as_it_was_put(bucket: Bucket, s3: Any, key: str) -> None:
    content = bytes(range(256)) * 5_000
    await bucket.put(key, Blob(content, "image/png"))
    assert await bucket.get(key, len(content)) == Blob(content, "image/png")
    assert await bucket.size(key) == len(content)
    assert s3.get_object(Bucket=bucket.name, Key=key)["Body"].read() == content


async def test_what_is_not_there_is_nothing(bucket: Bucket) -> None:
    assert await bucket.get("k", 10) is None
    assert await bucket.size("k") is None
    await bucket.delete("k")


async def test_an_empty_object_is_one(bucket: Bucket) -> None:
    await bucket.put("k", Blob(b"", "text/plain"))
    assert await bucket.get("k", 0) == Blob(b"", "text/plain")
    assert await bucket.size("k") == 0


async def test_what_is_too_large_is_not_read(bucket: Bucket) -> None:
    await bucket.put("k", Blob(b"12345", "text/plain"))
    with pytest.raises(BlobTooLargeError):
        await bucket.get("k", 4)


async def test_what_is_deleted_is_gone(bucket: Bucket) -> None:
    await bucket.put("k", Blob(b"1", "text/plain"))
    await bucket.delete("k")
    assert await bucket.get("k", 10) is None


async def test_all_keys_under_a_prefix_are_listed_however_many_pages_they_take(
    bucket: Bucket, s3: Any
) -> None:
    wanted = [f"jobs/a/{number:04}&é+" for number in range(1_003)]
    for key in [*wanted, "jobs/b"]:
        s3.put_object(Bucket=bucket.name, Key=key, Body=b"")
    assert [key async for key in bucket.keys("jobs/a/")] == wanted
    assert [key async for key in bucket.keys("jobs/c/")] == []


async def test_a_link_gives_the_object_whole_and_in_part_with_the_headers_asked_for(bucket: Bucket) -> None:
    content = b"0123456789"
    key = f"outputs/{hashlib.sha256(content).hexdigest()}"
    await bucket.put(key, Blob(content, "video/mp4"))
    link = await bucket.link(key, 60, {"content-disposition": 'inline; filename="a b.mp4"'})
    async with httpx.AsyncClient() as client:
        whole = await client.get(link)
        part = await client.get(link, headers={"range": "bytes=2-4"})
        beyond = await client.get(link, headers={"range": "bytes=20-"})
        nothing = await client.get(await bucket.link("outputs/none", 60, {}))
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["content-disposition"] == 'inline; filename="a b.mp4"'
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    assert beyond.status_code == 416
    assert nothing.status_code == 404
    assert parse_qs(urlsplit(link).query)["X-Amz-Expires"] == ["60"]


async def test_what_was_put_has_a_checksum(bucket: Bucket, s3: Any) -> None:
    await bucket.put("k", Blob(b"12345", "text/plain"))
    found = s3.get_object(Bucket=bucket.name, Key="k", ChecksumMode="ENABLED")
    assert base64.b64decode(found["ChecksumSHA256"]) == hashlib.sha256(b"12345").digest()


async def test_links_of_any_key_lead_to_it(bucket: Bucket) -> None:
    key = "outputs/a b+c~é%2F=&?"
    await bucket.put(key, Blob(b"1", "image/png"))
    link = await bucket.link(key, 60, {"content-type": "image/gif", "cache-control": "private, max-age=60"})
    async with httpx.AsyncClient() as client:
        found = await client.get(link)
    assert found.content == b"1"
    assert found.headers["content-type"] == "image/gif"
    assert found.headers["cache-control"] == "private, max-age=60"

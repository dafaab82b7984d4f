"""Files by their content: stored once, and there as long as any job has them."""

import asyncio
import hashlib
import itertools
from dataclasses import dataclass, field

import pytest

from sluice.stores.aws import AWS
from sluice.stores.bucket import Blob, output_key
from sluice.stores.outputs import DELETION_SECONDS, LEAD, BeingDeletedError, OutputStore

TABLE = "JobsTable"
NOW = 1_790_000_000
LATER = NOW + 30 * 86_400
contents = (f"content {number}".encode() for number in itertools.count())


@dataclass
class FakeBucket:
    """Objects in memory; ``dies`` fails the next deletion, before it is made."""

    name: str = "bucket"
    objects: dict[str, Blob] = field(default_factory=dict)
    dies: bool = False

    async def put(self, key: str, blob: Blob) -> None:
        self.objects[key] = blob

    async def delete(self, key: str) -> None:
        if self.dies:
            self.dies = False
            raise ConnectionError
        self.objects.pop(key, None)


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket()


@pytest.fixture
def store(engine_aws: AWS, bucket: FakeBucket) -> OutputStore:
    return OutputStore(engine_aws, TABLE, bucket, clock=lambda: NOW)  # type: ignore[arg-type] # has what is used of one


@pytest.fixture
def blob() -> Blob:
    return Blob(next(contents), "image/png")


def digest_of(blob: Blob) -> str:
    return hashlib.sha256(blob.content).hexdigest()


async def test_a_file_of_two_jobs_stays_until_neither_has_it(
    store: OutputStore, bucket: FakeBucket, blob: Blob, engine_aws: AWS
) -> None:
    digest = digest_of(blob)
    await store.store("image_1", digest, blob, LATER)
    await store.store("image_1", digest, blob, LATER)
    await store.store("image_2", digest, blob, LATER)
    assert bucket.objects == {output_key(digest): blob}
    await store.drop("image_1", [digest], NOW)
    await store.drop("image_1", [digest], NOW)
    assert bucket.objects == {output_key(digest): blob}
    await store.drop("image_2", [digest, digest], NOW)
    assert bucket.objects == {}
    reply = await engine_aws.dynamodb.call("GetItem", TableName=TABLE, Key={"id": {"S": LEAD + digest}})
    assert "Item" not in reply


async def test_what_nobody_stored_can_be_dropped(store: OutputStore, blob: Blob) -> None:
    await store.drop("image_1", [digest_of(blob)], NOW)


async def test_a_file_that_was_put_when_its_job_had_it_no_more_can_be_dropped(
    store: OutputStore, bucket: FakeBucket, blob: Blob, engine_aws: AWS
) -> None:
    digest = digest_of(blob)
    put = bucket.put

    async def put_late(key: str, blob: Blob) -> None:
        await store.drop("image_1", [digest], NOW)
        await put(key, blob)

    bucket.put = put_late  # type: ignore[method-assign] # S3 is slow
    await store.store("image_1", digest, blob, LATER)
    assert bucket.objects == {output_key(digest): blob}
    await store.drop("image_1", [digest], NOW)
    assert bucket.objects == {}
    reply = await engine_aws.dynamodb.call("GetItem", TableName=TABLE, Key={"id": {"S": LEAD + digest}})
    assert "Item" not in reply


async def test_nothing_is_stored_while_the_same_bytes_are_being_deleted(
    store: OutputStore, bucket: FakeBucket, blob: Blob, engine_aws: AWS
) -> None:
    digest = digest_of(blob)
    await store.store("image_1", digest, blob, LATER)
    bucket.dies = True
    with pytest.raises(ConnectionError):
        await store.drop("image_1", [digest], NOW)
    with pytest.raises(BeingDeletedError):
        await store.store("image_2", digest, blob, LATER)
    await store.drop("image_1", [digest], NOW)  # the mark is another deleter's, who may be alive
    assert output_key(digest) in bucket.objects
    await store.drop("image_1", [digest], NOW + DELETION_SECONDS + 1)  # who is dead by now
    assert bucket.objects == {}


async def test_what_a_dead_deleter_has_left_can_be_stored_again(
    engine_aws: AWS, bucket: FakeBucket, blob: Blob
) -> None:
    now = [NOW]
    store = OutputStore(engine_aws, TABLE, bucket, clock=lambda: now[0])  # type: ignore[arg-type] # as above
    digest = digest_of(blob)
    await store.store("image_1", digest, blob, LATER)
    bucket.dies = True
    with pytest.raises(ConnectionError):
        await store.drop("image_1", [digest], NOW)
    now[0] += DELETION_SECONDS + 1
    await store.store("image_2", digest, blob, LATER)
    await store.drop("image_1", [digest], now[0])
    assert bucket.objects == {output_key(digest): blob}


async def test_whoever_has_a_file_has_it_however_many_drop_theirs_meanwhile(
    store: OutputStore, bucket: FakeBucket, blob: Blob
) -> None:
    digest = digest_of(blob)

    async def comes_and_goes(job_id: str) -> None:
        while True:
            try:
                await store.store(job_id, digest, blob, LATER)
                break
            except BeingDeletedError:
                await asyncio.sleep(0)
        assert output_key(digest) in bucket.objects
        await store.drop(job_id, [digest], NOW)

    await asyncio.gather(*(comes_and_goes(f"image_{number}") for number in range(12)))
    assert bucket.objects == {}

"""Files by their content: stored once, and there as long as any job has them."""

import asyncio
import hashlib
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from sluice.errors import OverloadedError
from sluice.stores.aws import AWS, Item
from sluice.stores.bucket import Blob, output_key
from sluice.stores.outputs import LEAD, MARK_SECONDS, ROUNDS, BeingDeletedError, OutputStore

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


@dataclass
class Clock:
    """Epoch seconds, which pass when somebody waits."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now

    async def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket()


@pytest.fixture
def store(engine_aws: AWS, bucket: FakeBucket) -> OutputStore:
    return OutputStore(engine_aws, TABLE, bucket, clock=lambda: NOW)  # type: ignore[arg-type] # has what is used of one


@pytest.fixture
def blob() -> Blob:
    return Blob(next(contents), "image/png")


async def item_of(aws: AWS, digest: str) -> Item:
    key = {"id": {"S": LEAD + digest}}
    reply = await aws.dynamodb.call("GetItem", TableName=TABLE, Key=key, ConsistentRead=True)
    item: Item = reply.get("Item", {})
    return item


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
    await store.drop("image_1", [digest])
    await store.drop("image_1", [digest])
    assert bucket.objects == {output_key(digest): blob}
    await store.drop("image_2", [digest, digest])
    assert bucket.objects == {}
    assert await item_of(engine_aws, digest) == {}


async def test_what_nobody_stored_can_be_dropped(store: OutputStore, blob: Blob) -> None:
    await store.drop("image_1", [digest_of(blob)])


async def test_a_file_that_was_put_when_its_job_had_it_no_more_can_be_dropped(
    store: OutputStore, bucket: FakeBucket, blob: Blob, engine_aws: AWS
) -> None:
    digest = digest_of(blob)
    put = bucket.put

    async def put_late(key: str, blob: Blob) -> None:
        await store.drop("image_1", [digest])
        await put(key, blob)

    bucket.put = put_late  # type: ignore[method-assign] # S3 is slow
    await store.store("image_1", digest, blob, LATER)
    assert bucket.objects == {output_key(digest): blob}
    await store.drop("image_1", [digest])
    assert bucket.objects == {}
    assert await item_of(engine_aws, digest) == {}


async def test_who_stores_what_is_being_deleted_waits_until_nobody_can_be_deleting_it(
    engine_aws: AWS, bucket: FakeBucket, blob: Blob, clock: Clock
) -> None:
    store = OutputStore(engine_aws, TABLE, bucket, clock, clock.pass_by)  # type: ignore[arg-type] # as above
    digest = digest_of(blob)
    await store.store("image_1", digest, blob, LATER)
    bucket.dies = True
    with pytest.raises(ConnectionError):
        await store.drop("image_1", [digest])
    await store.store("image_2", digest, blob, LATER)
    assert clock.now == NOW + MARK_SECONDS + 1
    await store.drop("image_1", [digest])
    assert bucket.objects == {output_key(digest): blob}
    await store.drop("image_2", [digest])
    assert bucket.objects == {}


async def test_what_is_deleted_again_and_again_is_not_waited_for_forever(
    engine_aws: AWS, bucket: FakeBucket, blob: Blob, clock: Clock
) -> None:
    digest = digest_of(blob)
    waits: list[float] = []

    async def others_drop(seconds: float) -> None:
        waits.append(seconds)
        await clock.pass_by(seconds)
        await dies_deleting()

    async def dies_deleting() -> None:
        bucket.dies = True
        with pytest.raises(ConnectionError):
            await store.drop("image_1", [digest])

    store = OutputStore(engine_aws, TABLE, bucket, clock, others_drop)  # type: ignore[arg-type] # as above
    await dies_deleting()
    with pytest.raises(BeingDeletedError):
        await store.store("image_2", digest, blob, LATER)
    assert waits == [MARK_SECONDS + 1] * ROUNDS


async def test_a_drop_does_what_a_dead_one_has_left_at_once(
    store: OutputStore, bucket: FakeBucket, blob: Blob, engine_aws: AWS
) -> None:
    digest = digest_of(blob)
    await store.store("image_1", digest, blob, LATER)
    bucket.dies = True
    with pytest.raises(ConnectionError):
        await store.drop("image_1", [digest])
    await store.drop("image_1", [digest])
    assert bucket.objects == {}


async def test_an_item_is_kept_as_long_as_any_of_its_jobs_needs_it(
    store: OutputStore, blob: Blob, engine_aws: AWS
) -> None:
    digest = digest_of(blob)
    for job_id, expires_at in (("image_1", LATER), ("image_2", LATER - 1), ("image_3", LATER + 1)):
        await store.store(job_id, digest, blob, expires_at)
        await store.store(job_id, digest, blob, expires_at)
    item = await item_of(engine_aws, digest)
    assert item["expires_at"] == {"N": str(LATER + 1)}
    assert sorted(item["jobs"]["SS"]) == ["image_1", "image_2", "image_3"]


async def test_the_mark_of_what_is_not_there_does_not_stay_for_good(
    store: OutputStore, bucket: FakeBucket, blob: Blob, engine_aws: AWS
) -> None:
    bucket.dies = True
    with pytest.raises(ConnectionError):
        await store.drop("image_1", [digest_of(blob)])
    item = await item_of(engine_aws, digest_of(blob))
    assert item["expires_at"] == {"N": str(NOW + MARK_SECONDS)}


async def test_what_very_many_jobs_have_is_listed_no_further_and_left_to_the_buckets_rule(
    store: OutputStore, bucket: FakeBucket, blob: Blob, engine_aws: AWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.stores.outputs.MOST_JOBS", 3)
    digest = digest_of(blob)
    jobs = [f"image_{number}" for number in range(6)]
    for number, job_id in enumerate(jobs):
        await store.store(job_id, digest, blob, LATER + number)
    item = await item_of(engine_aws, digest)
    assert sorted(item["jobs"]["SS"]) == jobs[:3]
    assert item["expires_at"] == {"N": str(LATER + 5)}
    for job_id in jobs[:5]:
        await store.drop(job_id, [digest])
    assert bucket.objects == {output_key(digest): blob}
    await store.store("image_9", digest, blob, LATER)
    await store.drop("image_9", [digest])
    assert bucket.objects == {output_key(digest): blob}


async def test_whoever_has_a_file_has_it_however_many_drop_theirs_meanwhile(
    engine_aws: AWS, bucket: FakeBucket, blob: Blob, clock: Clock
) -> None:
    digest = digest_of(blob)
    store = OutputStore(engine_aws, TABLE, bucket, clock, clock.pass_by)  # type: ignore[arg-type] # as above

    async def until_done(work: Callable[[], Awaitable[None]]) -> None:
        while True:
            with suppress(BeingDeletedError, OverloadedError):  # the clock passes whenever anybody waits
                return await work()

    async def comes_and_goes(job_id: str) -> None:
        await until_done(lambda: store.store(job_id, digest, blob, LATER))
        assert output_key(digest) in bucket.objects
        await until_done(lambda: store.drop(job_id, [digest]))

    async with asyncio.timeout(60):
        await asyncio.gather(*(comes_and_goes(f"image_{number}") for number in range(12)))
    assert bucket.objects == {}

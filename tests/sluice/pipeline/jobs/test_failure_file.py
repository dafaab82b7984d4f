"""Why a job failed, for its client alone."""

from memory_jobs import MemoryBucket
from sluice.pipeline.jobs.failure_file import FailureFile, failure_in, put_failure
from sluice.pipeline.jobs.failures import WORDS
from sluice.stores.bucket import Blob, failure_key

JOB = "image_1"


async def test_it_is_kept() -> None:
    bucket = MemoryBucket()
    assert await failure_in(bucket, JOB) is None
    await put_failure(bucket, JOB, "invalid_request", "The size is odd.")
    assert await failure_in(bucket, JOB) == FailureFile(code="invalid_request", message="The size is odd.")
    await put_failure(bucket, JOB, "timeout", None)
    assert await failure_in(bucket, JOB) == FailureFile(code="timeout", message=WORDS["timeout"])


async def test_no_key_is_in_it_and_no_novel() -> None:
    bucket = MemoryBucket()
    await put_failure(bucket, JOB, "upstream_error", "sk-" + "a1" * 20 + " is wrong " + "x" * 9_000)
    found = await failure_in(bucket, JOB)
    assert found is not None
    assert found.message.startswith("sk-… is wrong x")
    assert len(found.message) == 2_000


async def test_one_that_cannot_be_read_is_none() -> None:
    bucket = MemoryBucket()
    bucket.objects[failure_key(JOB)] = Blob(b'{"code": "of the future", "message": ""}', "application/json")
    assert await failure_in(bucket, JOB) is None

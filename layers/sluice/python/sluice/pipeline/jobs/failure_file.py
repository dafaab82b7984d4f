"""A job's ``failure.json``: why a task has failed, in words that are for the client alone.

It counts for a job that has failed with the very code; a later attempt, or another picture, may have overwritten it.
"""

from pydantic import BaseModel, ConfigDict, ValidationError

from sluice.errors import MAX_MESSAGE, masked
from sluice.pipeline.jobs.failures import WORDS, FailureCode
from sluice.stores.bucket import Blob, Bucket, failure_key

MOST_BYTES = 16_384


class FailureFile(BaseModel):
    """Why, and what the client is told of it."""

    model_config = ConfigDict(frozen=True)

    code: FailureCode
    message: str


async def put_failure(bucket: Bucket, job_id: str, code: FailureCode, words: str | None) -> None:
    """Keep why a task has failed, without what looks like a key."""
    message = masked(words or WORDS[code], MAX_MESSAGE)
    content = FailureFile(code=code, message=message).model_dump_json().encode()
    await bucket.put(failure_key(job_id), Blob(content, "application/json"))


async def failure_in(bucket: Bucket, job_id: str) -> FailureFile | None:
    """What was kept last; None if nothing was."""
    blob = await bucket.get(failure_key(job_id), MOST_BYTES)
    if blob is None:
        return None
    try:
        return FailureFile.model_validate_json(blob.content)
    except ValidationError:  # of another version, whose codes are not known here
        return None

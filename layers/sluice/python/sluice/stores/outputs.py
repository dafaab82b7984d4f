"""Files by their content: the same bytes are stored once, and deleted when no job has them any more.

Which jobs have a file is an item of the jobs table, ``output#<sha-256>``, with the set of their ids. An id is added
before the file is put, and taken out before it is deleted. Whoever takes the last one out marks the item for as long as
the deletion may take, and nobody is added meanwhile: so no file is deleted that a job has.
"""

from collections.abc import Sequence

from sluice.stores.aws import AWS
from sluice.stores.bucket import Blob, Bucket


class BeingDeletedError(Exception):
    """The same bytes are being deleted this moment; another attempt stores them."""


class OutputStore:
    """Stores and deletes files.

    Every method raises ``OverloadedError`` when AWS throttles or cannot be reached. Each can be repeated.

    Args:
        aws: the way to DynamoDB.
        table: the jobs table.
        bucket: takes the files.
    """

    def __init__(self, aws: AWS, table: str, bucket: Bucket) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table
        self._bucket = bucket

    async def store(self, job_id: str, digest: str, blob: Blob, expires_at: int) -> None:
        """Have a file for a job. It is put anew even if it is there, so that its life begins again.

        Args:
            job_id: whose.
            digest: SHA-256 of its bytes, in hex.
            blob: the file.
            expires_at: epoch seconds after which nobody needs the item.

        Raises:
            BeingDeletedError: see there.
        """
        raise NotImplementedError

    async def drop(self, job_id: str, digests: Sequence[str], now: int) -> None:
        """A job has these files no more: those that no other job has are deleted."""
        raise NotImplementedError

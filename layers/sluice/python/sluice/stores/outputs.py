"""Files by their content: the same bytes are stored once, and deleted when no job has them any more.

Which jobs have a file is an item of the jobs table, ``output#<sha-256>``, with the set of their ids. An id is added
before the file is put, and taken out before it is deleted. Whoever takes the last one out marks the item for as long as
the deletion may take, and nobody is added meanwhile: so no file is deleted that a job has.

    store   add the id, unless the item is marked ──▶ put the file
    drop    take the id out ──▶ none left: mark ──▶ delete the file ──▶ delete the item
"""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from sluice.stores.aws import AWS, ConditionFailedError, Item
from sluice.stores.bucket import Blob, Bucket, output_key

LEAD = "output#"

DELETION_SECONDS = 120
"""How long a mark lasts: longer than a deletion with all its attempts. A deleter that died leaves the file; whoever
comes later stores it again, or drops it again."""

NOT_BEING_DELETED = "attribute_not_exists(deleting_until) OR deleting_until < :now"
# A set that loses its last member is gone.
# Nor need there be an item: a file may have been put after the item was deleted with all else that its job had.
NOBODY_HAS_IT = "attribute_not_exists(jobs) AND (" + NOT_BEING_DELETED + ")"
IS_OWN_MARK = "deleting_by = :by AND attribute_not_exists(jobs)"


class BeingDeletedError(Exception):
    """The same bytes are being deleted this moment; another attempt stores them."""


class OutputStore:
    """Stores and deletes files.

    Every method raises ``OverloadedError`` when AWS throttles or cannot be reached. Each can be repeated.

    Args:
        aws: the way to DynamoDB.
        table: the jobs table.
        bucket: takes the files.
        clock: epoch seconds.
    """

    def __init__(self, aws: AWS, table: str, bucket: Bucket, clock: Callable[[], float] = time.time) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table
        self._bucket = bucket
        self._clock = clock

    async def store(self, job_id: str, digest: str, blob: Blob, expires_at: int) -> None:
        """Have a file for a job. It is put anew even if it is there, so that its life begins again.

        Args:
            job_id: whose.
            digest: SHA-256 of its bytes, in hex.
            blob: the file.
            expires_at: epoch seconds after which nobody needs the item, if no job needs it longer.

        Raises:
            BeingDeletedError: see there.
        """
        try:
            await self._update(
                digest,
                "ADD jobs :job SET expires_at = :expires REMOVE deleting_until, deleting_by",
                NOT_BEING_DELETED,
                {
                    ":job": {"SS": [job_id]},
                    ":expires": _number(expires_at),
                    ":now": _number(int(self._clock())),
                },
            )
        except ConditionFailedError as error:
            raise BeingDeletedError from error
        await self._bucket.put(output_key(digest), blob)

    async def drop(self, job_id: str, digests: Sequence[str], now: int) -> None:
        """A job has these files no more: those that no other job has are deleted.

        Args:
            job_id: whose.
            digests: of the files; those that it has not are left alone.
            now: epoch seconds.
        """
        for digest in dict.fromkeys(digests):
            await self._take_out(job_id, digest)
            mark = secrets.token_hex(8)
            if await self._mark(digest, mark, now):
                await self._bucket.delete(output_key(digest))
                await self._forget(digest, mark)

    async def _take_out(self, job_id: str, digest: str) -> None:
        try:
            await self._update(digest, "DELETE jobs :job", "attribute_exists(id)", {":job": {"SS": [job_id]}})
        except ConditionFailedError:
            return  # there is no such item

    async def _mark(self, digest: str, mark: str, now: int) -> bool:
        """Whether the file is ours to delete; ``mark`` tells so, and is nobody else's."""
        try:
            await self._update(
                digest,
                "SET deleting_until = :until, deleting_by = :by, expires_at = if_not_exists(expires_at, :until)",
                NOBODY_HAS_IT,
                {":until": _number(now + DELETION_SECONDS), ":by": {"S": mark}, ":now": _number(now)},
            )
        except ConditionFailedError as error:
            # An earlier attempt of the same call may have gone through, only its reply was lost.
            item = error.item or await self._read(digest)
            return item.get("deleting_by") == {"S": mark}
        return True

    async def _forget(self, digest: str, mark: str) -> None:
        try:
            await self._dynamodb.call(
                "DeleteItem",
                TableName=self._table,
                Key=_key(digest),
                ConditionExpression=IS_OWN_MARK,
                ExpressionAttributeValues={":by": {"S": mark}},
            )
        except ConditionFailedError:
            return  # an earlier attempt went through

    async def _read(self, digest: str) -> Item:
        reply = await self._dynamodb.call(
            "GetItem", TableName=self._table, Key=_key(digest), ConsistentRead=True
        )
        item: Item = reply.get("Item", {})
        return item

    async def _update(self, digest: str, update: str, condition: str, values: dict[str, Any]) -> None:
        await self._dynamodb.call(
            "UpdateItem",
            TableName=self._table,
            Key=_key(digest),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )


def _key(digest: str) -> Item:
    return {"id": {"S": LEAD + digest}}


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}

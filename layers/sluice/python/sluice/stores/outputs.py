"""Files by their content: the same bytes are stored once, and deleted when no job has them any more.

Which jobs have a file is an item of the jobs table, ``output#<sha-256>``, with the set of their ids. An id is added
before the file is put, and taken out before it is deleted. Whoever finds none left marks the item for as long as the
deletion may take, and nobody is added meanwhile: so no file is deleted that a job has.

    store   add the id, once no mark counts ──▶ put the file
    drop    take the id out ──▶ none left: mark ──▶ delete the file ──▶ delete the item

Each step of a ``drop`` can be the last one of its process. Another ``drop`` does all that is left, also where there is
no item any more: the file may have been put late.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sluice.stores.aws import AWS, ConditionFailedError, Item, overloaded
from sluice.stores.bucket import Blob, Bucket, output_key

LEAD = "output#"

MARK_SECONDS = 40
"""How long a mark counts: longer than a deletion with all its attempts."""
MARGIN_SECONDS = 10
"""So long before, its owner gives up: clocks differ, and what was sent arrives late."""
ROUNDS = 4
"""How often ``store`` looks again whether there is a mark."""

MOST_JOBS = 1_000
"""That an item lists. What more of them have is left to the bucket's own rule: a file that everybody makes would have
an item that only grows, since jobs that expire are not taken out."""

NO_MARK_COUNTS = "(attribute_not_exists(deleting_until) OR deleting_until < :now)"
FEW_HAVE_IT = "attribute_not_exists(many) AND (attribute_not_exists(jobs) OR size(jobs) < :most)"
NONE_NEEDS_IT_LONGER = "(attribute_not_exists(expires_at) OR expires_at <= :expires)"
ANOTHER_NEEDS_IT_LONGER = "expires_at > :expires"
# A set that loses its last member is gone.
NOBODY_HAS_IT = "attribute_not_exists(jobs) AND attribute_not_exists(many)"
IS_OWN_MARK = "deleting_by = :by"


class BeingDeletedError(Exception):
    """The same bytes are being deleted again and again; another attempt stores them."""


class OutputStore:
    """Stores and deletes files.

    Every method raises ``OverloadedError`` when AWS throttles or cannot be reached. Each can be repeated.

    Args:
        aws: the way to DynamoDB.
        table: the jobs table.
        bucket: takes the files.
        clock: epoch seconds.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        aws: AWS,
        table: str,
        bucket: Bucket,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table
        self._bucket = bucket
        self._clock = clock
        self._pause = pause

    async def store(self, job_id: str, digest: str, blob: Blob, expires_at: int) -> None:
        """Have a file for a job. It is put anew even if it is there, so that its life begins again.

        Where the same bytes are being deleted, this waits until they are.

        Args:
            job_id: whose.
            digest: SHA-256 of its bytes, in hex.
            blob: the file.
            expires_at: epoch seconds after which this job needs it no more.

        Raises:
            BeingDeletedError: see there.
        """
        item: Item = {}
        for _ in range(ROUNDS):
            if await self._joined(job_id, digest, expires_at, item):
                await self._bucket.put(output_key(digest), blob)
                return
            item = await self._read(digest)
            left = _marked_until(item) - int(self._clock())
            if left >= 0:
                await self._pause(left + 1)
        raise BeingDeletedError

    async def drop(self, job_id: str, digests: Sequence[str]) -> None:
        """A job has these files no more: those that no other job has are deleted.

        Args:
            job_id: whose.
            digests: of the files, whether it had them or not.
        """
        for digest in dict.fromkeys(digests):
            await self._take_out(job_id, digest)
            await self._delete_unless_had(digest)

    async def _joined(self, job_id: str, digest: str, expires_at: int, item: Item) -> bool:
        """Add a job to those that have a file, if the item is still such as it was when it was read."""
        values: dict[str, Any] = {":now": _number(int(self._clock())), ":expires": _number(expires_at)}
        conditions, sets, add = [NO_MARK_COUNTS], [], ""
        if "many" in item or len(item.get("jobs", {}).get("SS", ())) >= MOST_JOBS:
            sets.append("many = :many")
            values[":many"] = {"BOOL": True}
        else:
            conditions.append(FEW_HAVE_IT)
            add = " ADD jobs :job"
            values |= {":most": _number(MOST_JOBS), ":job": {"SS": [job_id]}}
        if _number_of(item, "expires_at") > expires_at:
            conditions.append(ANOTHER_NEEDS_IT_LONGER)
        else:
            conditions.append(NONE_NEEDS_IT_LONGER)
            sets.append("expires_at = :expires")
        update = (f"SET {', '.join(sets)} " if sets else "") + f"REMOVE deleting_until, deleting_by{add}"
        try:
            await self._update(digest, update, " AND ".join(conditions), values)
        except ConditionFailedError:
            return False
        return True

    async def _take_out(self, job_id: str, digest: str) -> None:
        values = {":job": {"SS": [job_id]}}
        try:
            await self._update(digest, "DELETE jobs :job", "attribute_exists(jobs)", values)
        except ConditionFailedError:
            return  # no job has it

    async def _delete_unless_had(self, digest: str) -> None:
        """Delete a file, and its item, unless a job has it.

        Where another's mark still counts, its owner is dead, or deletes the file as well. Then the item stays, and so
        does ours: who is not yet finished would delete what is stored once there is no mark.
        """
        now = self._clock()
        mark = secrets.token_hex(8)
        until = int(now) + MARK_SECONDS
        values = {":until": _number(until), ":by": {"S": mark}}
        update = (
            "SET deleting_until = :until, deleting_by = :by, expires_at = if_not_exists(expires_at, :until)"
        )
        try:
            reply = await self._update(digest, update, NOBODY_HAS_IT, values)
        except ConditionFailedError:
            return
        left = until - MARGIN_SECONDS - self._clock()
        if left <= 0:  # a process can be frozen for long; a call that needs not wait would be made in no time
            raise overloaded()
        try:
            async with asyncio.timeout(left):
                await self._bucket.delete(output_key(digest))
        except TimeoutError as error:
            raise overloaded() from error
        if _marked_until(reply.get("Attributes", {})) < int(now):
            await self._forget(digest, mark)

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
            return  # an earlier attempt went through, or somebody deletes the file once more

    async def _read(self, digest: str) -> Item:
        reply = await self._dynamodb.call(
            "GetItem", TableName=self._table, Key=_key(digest), ConsistentRead=True
        )
        item: Item = reply.get("Item", {})
        return item

    async def _update(
        self, digest: str, update: str, condition: str, values: dict[str, Any]
    ) -> dict[str, Any]:
        return await self._dynamodb.call(
            "UpdateItem",
            TableName=self._table,
            Key=_key(digest),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_OLD",
        )


def _key(digest: str) -> Item:
    return {"id": {"S": LEAD + digest}}


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _number_of(item: Item, name: str) -> int:
    return int(item.get(name, {}).get("N", 0))


def _marked_until(item: Item) -> int:
    """When the mark of an item ceases to count; 0 where it has none."""
    return _number_of(item, "deleting_until")

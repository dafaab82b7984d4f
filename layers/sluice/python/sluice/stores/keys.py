"""The keys table: one item per secret, found by the secret's digest.

Its indexes ``by_owner`` (owner, created_at) and ``by_id`` (id) serve operators, not requests; they follow
the table within moments, so what changes a key looks again after its writes.
"""

import contextlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sluice.errors import OverloadedError
from sluice.stores.aws import AWS, ConditionFailedError, Item
from sluice.stores.key_records import KeyRecord, MalformedItemError, item_of, record_of
from sluice.stores.pages import items_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

__all__ = [
    "KeyNotFoundError",
    "KeyNotRotatableError",
    "KeyRecord",
    "KeyStore",
    "MalformedItemError",
]

BY_OWNER = "by_owner"
BY_ID = "by_id"

IS_NEW = "attribute_not_exists(digest)"
EXISTS = "attribute_exists(digest)"
IS_STILL_ACTIVE = "attribute_exists(digest) AND active = :true"
NEVER_EXPIRES = "attribute_not_exists(expires_at)"
EXPIRES_AS_SEEN = "expires_at = :seen"


class KeyNotFoundError(Exception):
    """No key has this id."""


class KeyNotRotatableError(Exception):
    """The key is revoked or has expired, so that a new secret would be of no use; or it changed meanwhile."""


class KeyStore:
    """Reads and writes the keys table.

    Every method raises ``OverloadedError`` when DynamoDB throttles or cannot be reached.

    Args:
        aws: the way to DynamoDB.
        table: the table's name.
    """

    def __init__(self, aws: AWS, table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table

    async def get(self, digest: str) -> KeyRecord | None:
        """The record of a secret as the table has it this moment; None for a secret that nobody was given."""
        reply = await self._dynamodb.call(
            "GetItem", TableName=self._table, Key={"digest": {"S": digest}}, ConsistentRead=True
        )
        item = reply.get("Item")
        if not item:
            return None
        record = record_of(item)
        if record.digest != digest:
            raise OverloadedError("The gateway's storage answered another question.", retry_after=1)
        return record

    async def put_new(self, record: KeyRecord) -> None:
        """Store a record that was never stored.

        Raises:
            ValueError: another record has its digest. Finding this very record there is success: the client
                may have repeated a write whose reply was lost.
        """
        item = item_of(record)
        try:
            await self._dynamodb.call(
                "PutItem",
                TableName=self._table,
                Item=item,
                ConditionExpression=IS_NEW,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailedError as error:
            if error.item != item:
                raise ValueError("a record with this digest exists already") from error

    async def list(self, owner: str | None = None) -> Sequence[KeyRecord]:
        """All records, or those of one owner, oldest first. Without an owner the whole table is read."""
        if owner is None:
            items = await self._pages("Scan", {})
        else:
            items = await self._pages("Query", _where(BY_OWNER, "owner", owner))
        return sorted(map(record_of, items), key=lambda record: (record.created_at, record.id))

    async def find(self, key_id: str) -> Sequence[KeyRecord]:
        """The records of one key, one per secret it ever had; none if there is no such key."""
        return [record_of(item) for item in await self._pages("Query", _where(BY_ID, "id", key_id))]

    async def revoke(self, key_id: str) -> Sequence[KeyRecord]:
        """Make every secret of a key useless, for good, and give back its records as they then are.

        Safe to repeat. A rotation under way is refused, or its secret is caught by looking again until none
        is active. The one gap is the index's delay: repeat a revocation that followed a rotation within the
        same second.

        Raises:
            KeyNotFoundError: there is no such key.
        """
        while True:
            records = await self.find(key_id)
            if not records:
                raise KeyNotFoundError(key_id)
            active = [record for record in records if record.active]
            if not active:
                return records
            for record in active:
                await self._deactivate(record.digest)

    async def rotate(
        self, key_id: str, *, digest: str, prefix: str, now: int, grace_seconds: int
    ) -> KeyRecord:
        """Give a key a new secret, and end its earlier ones ``grace_seconds`` from now, if not before.

        All of it is one transaction: a crash leaves the key as it was or as it shall be, never without a
        valid secret and never with two that last. With no grace the earlier secrets are inactive at once.

        Raises:
            KeyNotFoundError: there is no such key.
            KeyNotRotatableError: it is revoked or has expired, or is being revoked or rotated by someone
                else.
        """
        records = await self.find(key_id)
        if not records:
            raise KeyNotFoundError(key_id)
        usable = [record for record in records if record.usable(now)]
        if not usable:
            raise KeyNotRotatableError("the key is revoked or has expired")
        fresh = replace(current_of(usable), digest=digest, prefix=prefix)
        try:
            await self._dynamodb.call(
                "TransactWriteItems",
                ClientRequestToken=uuid.uuid4().hex,  # a repetition whose first try went through is no conflict
                TransactItems=[
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": item_of(fresh),
                            "ConditionExpression": IS_NEW,
                        }
                    },
                    *[self._ending(record, now + grace_seconds, now) for record in usable],
                ],
            )
        except ConditionFailedError as error:
            raise KeyNotRotatableError("the key was revoked or rotated by someone else just now") from error
        return fresh

    async def _deactivate(self, digest: str) -> None:
        with contextlib.suppress(ConditionFailedError):  # a record that is gone is as useless as can be
            await self._dynamodb.call(
                "UpdateItem",
                TableName=self._table,
                Key={"digest": {"S": digest}},
                UpdateExpression="SET active = :false",
                ConditionExpression=EXISTS,
                ExpressionAttributeValues={":false": {"BOOL": False}},
            )

    def _ending(self, record: KeyRecord, until: int, now: int) -> "TransactWriteItemTypeDef":
        """The update that ends a secret at ``until``, or at once if that is not after ``now``."""
        values: dict[str, Any] = {":true": {"BOOL": True}}
        if until > now:
            expires_at = until if record.expires_at is None else min(until, record.expires_at)
            change = "SET expires_at = :value"
            values[":value"] = {"N": str(expires_at)}
        else:
            change = "SET active = :value"
            values[":value"] = {"BOOL": False}
        if record.expires_at is None:
            condition = f"{IS_STILL_ACTIVE} AND {NEVER_EXPIRES}"
        else:
            condition = f"{IS_STILL_ACTIVE} AND {EXPIRES_AS_SEEN}"
            values[":seen"] = {"N": str(record.expires_at)}
        return {
            "Update": {
                "TableName": self._table,
                "Key": {"digest": {"S": record.digest}},
                "ConditionExpression": condition,
                "UpdateExpression": change,
                "ExpressionAttributeValues": values,
            }
        }

    async def _pages(self, operation: str, request: Mapping[str, Any]) -> Sequence[Item]:
        """Every item that a query or scan finds, however many replies it takes."""
        found = items_of(self._dynamodb, operation, TableName=self._table, **request)
        return [item async for item in found]


def current_of(records: Sequence[KeyRecord]) -> KeyRecord:
    """Of the records of one key, the one whose secret lasts longest: the others are what rotations left."""
    return max(
        records,
        key=lambda record: (record.active, record.expires_at is None, record.expires_at or 0, record.digest),
    )


def _where(index: str, attribute: str, value: str) -> dict[str, Any]:
    return {
        "IndexName": index,
        "KeyConditionExpression": "#attribute = :value",
        "ExpressionAttributeNames": {"#attribute": attribute},
        "ExpressionAttributeValues": {":value": {"S": value}},
    }

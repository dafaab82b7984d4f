"""The idempotency table: requests that came with an Idempotency-Key, and the replies to them.

The parts of a reply are written before the record says that the reply is there. All items have a time after which
DynamoDB deletes them; since that may take it days, nothing here believes a record from then on.

Every write depends on a condition, named below, so that each can be repeated and none undoes what another request did.
"""

import contextlib

from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.stores.aws import AWS, ConditionFailedError, Item
from sluice.stores.idempotency_records import (
    DONE,
    RECORD,
    RUNNING,
    Beginning,
    Begun,
    Claim,
    Done,
    MalformedRecordError,
    OtherBody,
    Running,
    binary,
    claimed,
    earlier_in,
    is_free,
    key_of,
    number,
    number_in,
    part_of,
    reply_in,
    taken_over,
    texts,
    texts_in,
)
from sluice.stores.kept_replies import BrokenReplyError, KeptReply, PackedReply, unpacked

ATTEMPTS = 5
"""A record that is refused and gone in the next moment is one that was just given up: it is the next one's turn."""

RETRY_AFTER_SECONDS = 1.0

# A record is in the way of other requests only so long:
#
#   begun_at ──── running ────┤ running_until     its process is dead: whoever comes next takes the turn over
#          └───── done ────────────────────────────┤ expires_at
IS_FREE = "attribute_not_exists(id) OR expires_at <= :now"
# Whose turn is taken over has to be known: it may have left something behind.
IS_DEAD_AS_SEEN = "request_id = :seen AND #state = :running AND running_until <= :now"
# Whoever was taken over writes nothing any more: the reply that is kept is that of the request which has the turn.
IS_OWN = "request_id = :own"
# Giving up a reply that is there would have a retry charged again. It happens when the write that made it "done"
# went through but was not answered.
IS_OWN_AND_RUNNING = "request_id = :own AND #state = :running"
IS_OWN_ALONE = IS_OWN_AND_RUNNING + " AND attribute_not_exists(earlier)"
# A part has no state to depend on. Request ids sort by time, so that a request which was taken over, and does not know
# it yet, cannot put its parts in place of its successor's; the successor can.
IS_OF_NO_LATER_REQUEST = "attribute_not_exists(id) OR request_id <= :own"


class IdempotencyStore:
    """Reads and writes the idempotency table.

    Every method raises ``OverloadedError`` when DynamoDB throttles or cannot be reached; a write may then have been
    carried out, or not.

    Args:
        aws: the way to DynamoDB.
        table: the table's name.
    """

    def __init__(self, aws: AWS, table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table

    async def begin(self, claim: Claim) -> Beginning:
        """Take a turn, or find out who had it before: of any number of requests at once, one begins.

        The first request costs one write; one that finds a record costs that failed write, and a read for each
        further part of the reply.

        Raises:
            MalformedRecordError: see there.
        """
        for _ in range(ATTEMPTS):
            try:
                await self._dynamodb.call(
                    "PutItem",
                    TableName=self._table,
                    Item=claimed(claim),
                    ConditionExpression=IS_FREE,
                    ExpressionAttributeValues={":now": number(claim.begun_at)},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ConditionFailedError as error:
                # Some engines do not give the item back.
                item = error.item or await self._read(claim.id, RECORD)
                found = None if item is None else await self._found(item, claim)
                if found is not None:
                    return found
                if item is not None and await self._takes_over(item, claim):
                    return Begun(taken_over(item, claim))
            else:
                return Begun()
        raise OverloadedError(
            "Too many requests with this Idempotency-Key at once; try again.",
            retry_after=RETRY_AFTER_SECONDS,
        )

    async def finish(self, claim: Claim, reply: PackedReply) -> bool:
        """Keep a request's whole reply, for those that come with the same key.

        Returns:
            Whether it is kept. If not, the turn was taken over, and nothing of this reply will ever be given back.
        """
        first, *others = reply.parts
        try:
            # One after another: they lie in one partition, which takes about three of the largest a second, and more
            # in a burst only.
            for position, part in enumerate(others, start=1):
                await self._put_part(claim, position, part)
            await self._dynamodb.call(
                "UpdateItem",
                TableName=self._table,
                Key=key_of(claim.id, RECORD),
                UpdateExpression="SET #state = :done, content_type = :type, digest = :digest, parts = :parts,"
                " reply = :first, headers = :headers REMOVE running_until",
                ConditionExpression=IS_OWN,
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    ":done": {"S": DONE},
                    ":type": {"S": reply.content_type},
                    ":digest": {"S": reply.digest},
                    ":parts": number(len(reply.parts)),
                    ":first": binary(first),
                    ":headers": texts(reply.headers),
                    ":own": {"S": claim.request_id},
                },
            )
        except ConditionFailedError:
            return False
        return True

    async def forget(self, claim: Claim) -> None:
        """Give up a turn, as though there had been no such request. A reply that is kept stays.

        The record of a turn that was taken over stays too, free for the next one: it says who died in it.
        """
        own = {":own": {"S": claim.request_id}, ":running": {"S": RUNNING}}
        common = {
            "TableName": self._table,
            "Key": key_of(claim.id, RECORD),
            "ExpressionAttributeNames": {"#state": "state"},
        }
        try:
            await self._dynamodb.call(
                "DeleteItem", **common, ConditionExpression=IS_OWN_ALONE, ExpressionAttributeValues=own
            )
        except ConditionFailedError:
            with contextlib.suppress(ConditionFailedError):
                await self._dynamodb.call(
                    "UpdateItem",
                    **common,
                    UpdateExpression="SET running_until = :now",
                    ConditionExpression=IS_OWN_AND_RUNNING,
                    ExpressionAttributeValues={**own, ":now": number(claim.begun_at)},
                )

    async def _takes_over(self, item: Item, claim: Claim) -> bool:
        """Take the turn of a request that is dead; not if somebody else was faster, or it has expired meanwhile."""
        if item["state"]["S"] != RUNNING or number_in(item, "expires_at") <= claim.begun_at:
            return False
        try:
            await self._dynamodb.call(
                "PutItem",
                TableName=self._table,
                Item=claimed(claim, taken_over(item, claim)),
                ConditionExpression=IS_DEAD_AS_SEEN,
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    ":seen": item["request_id"],
                    ":running": {"S": RUNNING},
                    ":now": number(claim.begun_at),
                },
            )
        except ConditionFailedError:
            return False
        return True

    async def _found(self, item: Item, claim: Claim) -> Beginning | None:
        """What a record says to a request; None if it is free by now."""
        if item["request_id"]["S"] == claim.request_id:
            # An earlier attempt of the same call went through, only its reply was lost.
            return Begun(earlier_in(item))
        if is_free(item, claim.begun_at):
            return None
        if item["body_hash"]["S"] != claim.body_hash:
            return OtherBody()
        match item["state"]["S"]:
            case "running":
                return Running(number_in(item, "begun_at"), number_in(item, "running_until"))
            case "done":
                return Done(await self._reply(item))
            case state:
                raise MalformedRecordError(f"a record in a state that is not known: {state:.20}")

    async def _reply(self, record: Item) -> KeptReply:
        """The reply of a record that is done.

        Raises:
            OverloadedError: not all of its parts are there. Either the record has just been replaced, which the next
                attempt will see; or someone has deleted them, and the request is not charged again for that.
        """
        try:
            parts = [await self._part(record, position) for position in range(1, number_in(record, "parts"))]
            content_type, digest = record["content_type"]["S"], record["digest"]["S"]
            return unpacked(
                PackedReply(content_type, digest, (reply_in(record), *parts), texts_in(record, "headers"))
            )
        except BrokenReplyError as error:
            logger.exception("the reply to %s cannot be given again", record["request_id"]["S"])
            raise OverloadedError(
                "The gateway's storage does not have the whole reply; try again.",
                retry_after=RETRY_AFTER_SECONDS,
            ) from error

    async def _part(self, record: Item, position: int) -> bytes:
        part = await self._read(record["id"]["S"], position)
        if part is None or part["request_id"] != record["request_id"]:
            raise BrokenReplyError(f"part {position} of a reply is missing")
        return reply_in(part)

    async def _read(self, record_id: str, position: int) -> Item | None:
        reply = await self._dynamodb.call(
            "GetItem", TableName=self._table, Key=key_of(record_id, position), ConsistentRead=True
        )
        return reply.get("Item") or None

    async def _put_part(self, claim: Claim, position: int, part: bytes) -> None:
        await self._dynamodb.call(
            "PutItem",
            TableName=self._table,
            Item=part_of(claim, position, part),
            ConditionExpression=IS_OF_NO_LATER_REQUEST,
            ExpressionAttributeValues={":own": {"S": claim.request_id}},
        )

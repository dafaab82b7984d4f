"""The log of a job's webhook: one item of the jobs table, ``webhook#<job id>``, that dies with the job.

Each attempt is noted in one write that rests on how many there were, so that one that is made twice is noted once, and
two who attempt at the same time do not undo each other's notes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from sluice.api.webhooks import DeliveryFailure, DeliveryState
from sluice.stores.aws import AWS, ConditionFailedError, Item

LEAD = "webhook#"
MOST_ATTEMPTS = 20
"""So many are kept, the last ones."""

IS_FIRST = "attribute_not_exists(id)"
IS_NEXT = "attempt_count = :seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt to deliver.

    Attributes:
        at: when it began, in epoch milliseconds.
        milliseconds: how long it took.
        status: of the answer; None without one.
        failure: why there was none.
    """

    at: int
    milliseconds: int
    status: int | None = None
    failure: DeliveryFailure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLog:
    """What is known of the deliveries of a job's message.

    Attributes:
        job_id: the job's.
        expires_at: from then on it is forgotten, in epoch seconds.
        outcome: ``pending`` while there will be another attempt.
        count: of all attempts.
        next_at: when the next one will be made at the earliest, in epoch seconds; None where there will be none.
        attempts: the last ones, oldest first.
    """

    job_id: str
    expires_at: int
    outcome: DeliveryState = "pending"
    count: int = 0
    next_at: int | None = None
    attempts: Sequence[Attempt] = ()

    def after(self, attempt: Attempt, outcome: DeliveryState, next_at: int | None) -> "DeliveryLog":
        """The log with another attempt."""
        attempts = (*self.attempts, attempt)[-MOST_ATTEMPTS:]
        return replace(self, outcome=outcome, count=self.count + 1, next_at=next_at, attempts=attempts)


class DeliveryStore:
    """Reads and writes the logs.

    Every method raises ``OverloadedError`` when DynamoDB throttles or cannot be reached. Each can be repeated.

    Args:
        aws: the way to DynamoDB.
        table: the jobs table's name.
    """

    def __init__(self, aws: AWS, table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table

    async def get(self, job_id: str) -> DeliveryLog | None:
        """The log as it is this moment; None before the first attempt."""
        reply = await self._dynamodb.call(
            "GetItem", TableName=self._table, Key=_key(job_id), ConsistentRead=True
        )
        item = reply.get("Item")
        return _log_of(item) if item else None

    async def note(self, log: DeliveryLog) -> DeliveryLog:
        """Write a log that has one attempt more than the one that is there.

        Returns:
            The log that stands: this one, or the one of whoever has noted that attempt, or another one, first.
        """
        first = log.count == 1
        seen = {} if first else {"ExpressionAttributeValues": {":seen": {"N": str(log.count - 1)}}}
        try:
            await self._dynamodb.call(
                "PutItem",
                TableName=self._table,
                Item=_item_of(log),
                ConditionExpression=IS_FIRST if first else IS_NEXT,
                **seen,
            )
        except ConditionFailedError:
            return await self.get(log.job_id) or log  # it is gone, as its job is: nobody needs it
        return log

    async def forget(self, job_id: str) -> None:
        """Delete the log, if there is one."""
        await self._dynamodb.call("DeleteItem", TableName=self._table, Key=_key(job_id))


def _key(job_id: str) -> Item:
    return {"id": {"S": LEAD + job_id}}


def _item_of(log: DeliveryLog) -> Item:
    item: Item = {
        **_key(log.job_id),
        "outcome": {"S": log.outcome},
        "attempt_count": {"N": str(log.count)},
        "attempts": {"L": [{"M": _attempt_item(attempt)} for attempt in log.attempts]},
        "expires_at": {"N": str(log.expires_at)},
    }
    return item if log.next_at is None else item | {"next_at": {"N": str(log.next_at)}}


def _attempt_item(attempt: Attempt) -> Item:
    item: Item = {"at": {"N": str(attempt.at)}, "milliseconds": {"N": str(attempt.milliseconds)}}
    if attempt.status is not None:
        item["status"] = {"N": str(attempt.status)}
    if attempt.failure is not None:
        item["failure"] = {"S": attempt.failure}
    return item


def _log_of(item: Item) -> DeliveryLog:
    return DeliveryLog(
        job_id=item["id"]["S"].removeprefix(LEAD),
        expires_at=int(item["expires_at"]["N"]),
        outcome=item["outcome"]["S"],
        count=int(item["attempt_count"]["N"]),
        next_at=int(item["next_at"]["N"]) if "next_at" in item else None,
        attempts=tuple(_attempt_of(attempt["M"]) for attempt in item["attempts"]["L"]),
    )


def _attempt_of(item: Item) -> Attempt:
    return Attempt(
        at=int(item["at"]["N"]),
        milliseconds=int(item["milliseconds"]["N"]),
        status=int(item["status"]["N"]) if "status" in item else None,
        failure=cast("DeliveryFailure", item["failure"]["S"]) if "failure" in item else None,
    )

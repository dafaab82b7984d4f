"""The jobs table: one item a job, changed by conditional writes only.

Indexes: ``by_owner`` (owner, id), which sorts by time within a kind; ``open`` (open, created_at), with the jobs that
are not over yet, in ``SHARDS`` partitions. Items of other kinds lie here as well, under ids that no job has.

Each write names the state that it asks for, and can be repeated: one whose reply was lost finds its own work and is
content with it. What the item is made of is in ``stores.job_items``.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.stores.aws import AWS, RETRY_AFTER_SECONDS, ConditionFailedError, Item
from sluice.stores.job_items import OPEN, SHARDS, MalformedJobError, item_of, job_of, output_value
from sluice.stores.job_records import LEADS, OPEN_STATES, OVER_STATES, Job, JobKind, JobState, Output
from sluice.stores.pages import items_of
from sluice.stores.updates import Update

BY_OWNER = "by_owner"

IS_NEW = "attribute_not_exists(id)"
IS_OVER_OR_GONE = "attribute_not_exists(id) OR #state IN (:completed, :failed)"
IS_OTHER_OR_NEW = "(attribute_not_exists({output}) OR {output}.{digest} <> {value})"
IS_THE_SAME = "{output}.{digest} = {value}"
HAS_NO_REFERENCE = "attribute_not_exists({reference})"
HAS_NO_REFERENCE_OF_LEG = "(attribute_not_exists({reference}) OR {leg} <> {value})"
IS_LESS = "(attribute_not_exists({progress}) OR {progress} < {value})"
AS_MANY_NOTES = "{notes} = {value}"
IS_OF_KIND = "#owner = :owner AND #id BETWEEN :first AND :last"

AFTER_ALL = "~"
"""A character that sorts after those of ids."""


class JobOverError(Exception):
    """A job is not in a state in which the write can be made: it was decided otherwise, or it is gone.

    Attributes:
        job: as it is; None where there is none.
    """

    def __init__(self, job: Job | None) -> None:
        super().__init__("the job is over")
        self.job = job


class JobStore:
    """Reads and writes jobs.

    Every method raises ``OverloadedError`` when DynamoDB throttles or cannot be reached; a write may then have been
    carried out, or not. Each can be repeated.

    Args:
        aws: the way to DynamoDB.
        table: the table's name.
    """

    def __init__(self, aws: AWS, table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table

    async def put_new(self, job: Job) -> None:
        """Write a job that is queued; one of that id that is there already stays."""
        try:
            await self._dynamodb.call(
                "PutItem", TableName=self._table, Item=item_of(job), ConditionExpression=IS_NEW
            )
        except ConditionFailedError:
            return

    async def get(self, job_id: str) -> Job | None:
        """The job as it is this moment; None where there is none."""
        reply = await self._dynamodb.call(
            "GetItem", TableName=self._table, Key=_key(job_id), ConsistentRead=True
        )
        item = reply.get("Item")
        return job_of(item) if item else None

    async def begin(self, job_id: str, now: int) -> Job:
        """Queued → running; a job that is running stays so.

        Raises:
            JobOverError: it is past that.
        """
        update = _in_state("queued")
        _turn_to(update, "running")
        update.set(update.name("started_at"), update.number(now))
        return await self._changed(job_id, update, lambda job: job.state == "running")

    async def note_output(self, job_id: str, index: int, output: Output) -> Job:
        """Note a file of a running job: before it is stored, and once it is.

        That it is not stored yet is not noted of a file that is: the note was late. And none is noted as stored in the
        place of another one: that one was made by a later attempt.

        Raises:
            JobOverError: it is not running.
            OverloadedError: also where another attempt has overtaken this one, which has to be made anew.
        """
        update = _in_state("running")
        path = f"{update.name('outputs')}.{update.name(str(index))}"
        names = {
            "output": path,
            "digest": update.name("digest"),
            "value": update.value({"S": output.digest}),
        }
        update.require((IS_THE_SAME if output.stored else IS_OTHER_OR_NEW).format(**names))
        update.set(path, update.value(output_value(output)))
        notes = update.name("notes")
        update.set(notes, f"if_not_exists({notes}, {update.number(0)}) + {update.number(1)}")

        def is_noted(job: Job) -> bool:
            if job.state != "running":
                return False
            noted = job.outputs.get(index)
            if noted is not None and noted.digest == output.digest:
                return True
            raise OverloadedError(
                "Another attempt has made this file meanwhile; try again.", retry_after=RETRY_AFTER_SECONDS
            )

        return await self._changed(job_id, update, is_noted)

    async def note_submitting(self, job_id: str, leg: int, now: int) -> Job:
        """Note that a running job is about to be submitted to its candidate at ``leg``; as it was BEFORE this write.

        One that has a reference keeps it all. Where the reply to this write was lost the job as it was looks like one
        that an earlier attempt was about to submit: then nobody knows, and nobody is told that he does.

        Raises:
            JobOverError: it is not running.
        """
        update = _in_state("running")
        update.require(HAS_NO_REFERENCE.format(reference=update.name("reference")))
        update.set(update.name("leg"), update.number(leg))
        update.set(update.name("submitting_at"), update.number(now))
        return await self._changed(job_id, update, _is_running, returned="ALL_OLD")

    async def note_rejected(self, job_id: str) -> Job:
        """Note that no candidate has taken a running job that is submitted to nobody: ``submitting_at`` goes.

        One that has a reference keeps it all.

        Raises:
            JobOverError: it is not running.
        """
        update = _in_state("running")
        update.require(HAS_NO_REFERENCE.format(reference=update.name("reference")))
        update.remove(update.name("leg"))
        update.remove(update.name("submitting_at"))
        return await self._changed(job_id, update, _is_running)

    async def note_submitted(self, job_id: str, leg: int, provider: str, reference: str) -> Job:
        """Note what a provider knows a running job by; the first reference of a leg stays.

        Raises:
            JobOverError: it is not running.
        """
        update = _in_state("running")
        value, names = update.number(leg), {"reference": update.name("reference"), "leg": update.name("leg")}
        update.require(HAS_NO_REFERENCE_OF_LEG.format(**names, value=value))
        update.set(names["leg"], value)
        update.set(update.name("provider"), update.value({"S": provider}))
        update.set(names["reference"], update.value({"S": reference}))
        return await self._changed(job_id, update, _is_running)

    async def note_progress(self, job_id: str, progress: int) -> Job:
        """Note how far a running job is; it only grows.

        Raises:
            JobOverError: it is not running.
        """
        update = _in_state("running")
        value, name = update.number(progress), update.name("progress")
        update.require(IS_LESS.format(progress=name, value=value))
        update.set(name, value)
        return await self._changed(job_id, update, _is_running)

    async def finish(self, job_id: str, cost: int, provider: str, now: int, notes: int | None = None) -> Job:
        """Running → finishing; one that is finishing or completed already stays as it is, with the cost that it has.

        Args:
            job_id: the job's.
            cost: in nano-USD.
            provider: who has made it.
            now: epoch milliseconds.
            notes: ``Job.notes`` of the job whose files the cost is for; None for whatever files there are.

        Raises:
            JobOverError: it was decided that it fails; or the job is running still, but has noted another file.
        """
        update = _in_state("running")
        if notes:
            update.require(AS_MANY_NOTES.format(notes=update.name("notes"), value=update.number(notes)))
        _turn_to(update, "finishing")
        update.set(update.name("cost"), update.number(cost))
        if provider:
            update.set(update.name("provider"), update.value({"S": provider}))
        update.set(update.name("ended_at"), update.number(now))
        return await self._changed(job_id, update, lambda job: job.state in ("finishing", "completed"))

    async def fail(self, job_id: str, failure: str, now: int) -> Job:
        """queued, running → failing; one that is failing or failed already stays as it is.

        Raises:
            JobOverError: it was decided that it is finished.
        """
        update = _in_state(*OPEN_STATES)
        _turn_to(update, "failing")
        update.set(update.name("failure"), update.value({"S": failure}))
        update.set(update.name("ended_at"), update.number(now))
        return await self._changed(job_id, update, lambda job: job.state in ("failing", "failed"))

    async def overrule(self, job_id: str, failure: str) -> Job:
        """Finishing → failing, where the ledger says that the job cannot be charged any more (``jobs.closing``).

        Raises:
            JobOverError: it is neither.
        """
        update = _in_state("finishing")
        _turn_to(update, "failing")
        update.set(update.name("failure"), update.value({"S": failure}))
        update.remove(update.name("cost"))
        return await self._changed(job_id, update, lambda job: job.state in ("failing", "failed"))

    async def end(self, job_id: str, state: JobState) -> bool:
        """Finishing → completed, failing → failed, once all that follows is done.

        Returns:
            Whether this write did it: of several writers one is told so, or none, where its reply was lost.
        """
        update = _in_state("finishing" if state == "completed" else "failing")
        _turn_to(update, state)
        update.remove(update.name(OPEN))
        try:
            await self._changed(job_id, update, lambda job: False)
        except JobOverError:
            return False
        return True

    async def delete(self, job_id: str) -> None:
        """Forget a job that is over.

        Raises:
            JobOverError: it is not over.
        """
        completed, failed = OVER_STATES
        try:
            await self._dynamodb.call(
                "DeleteItem",
                TableName=self._table,
                Key=_key(job_id),
                ConditionExpression=IS_OVER_OR_GONE,
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={":completed": {"S": completed}, ":failed": {"S": failed}},
            )
        except ConditionFailedError as error:
            raise JobOverError(await self.get(job_id)) from error

    async def of_owner(
        self, owner: str, kind: JobKind, *, after: str | None, limit: int, newest_first: bool
    ) -> tuple[Sequence[Job], bool]:
        """Some of an owner's jobs by time, those after the id ``after``; and whether there are more.

        One that was made a moment ago may be missing.
        """
        first, last = LEADS[kind], LEADS[kind] + AFTER_ALL
        if after is not None:
            first, last = (first, min(after, last)) if newest_first else (max(after, first), last)
        if first > last:
            return (), False
        found: list[Job] = []
        async for item in items_of(
            self._dynamodb,
            "Query",
            TableName=self._table,
            IndexName=BY_OWNER,
            KeyConditionExpression=IS_OF_KIND,
            ExpressionAttributeNames={"#owner": "owner", "#id": "id"},
            ExpressionAttributeValues={
                ":owner": {"S": owner},
                ":first": {"S": first},
                ":last": {"S": last},
            },
            ScanIndexForward=not newest_first,
            Limit=limit + 2,
        ):
            if item["id"]["S"] != after:
                found.append(job_of(item))
            if len(found) > limit:
                break
        return found[:limit], len(found) > limit

    async def unfinished(self, before: int) -> AsyncIterator[Job]:
        """Jobs that are not over and were made before the epoch millisecond ``before``, or are being closed.

        They may have changed since. One whose item is malformed is in the log only.
        """
        for shard in SHARDS:
            async for item in items_of(
                self._dynamodb,
                "Query",
                TableName=self._table,
                IndexName=OPEN,
                KeyConditionExpression="#open = :shard",
                ExpressionAttributeNames={"#open": OPEN},
                ExpressionAttributeValues={":shard": {"S": shard}},
            ):
                job = _job_or_nothing(item)
                if job is not None and (job.created_at < before or job.state not in OPEN_STATES):
                    yield job

    async def every(self, owner: str | None = None) -> AsyncIterator[Job]:
        """All jobs, or an owner's, in any order; for an operator: without an owner the whole table is read.

        One whose item is malformed is in the log only.
        """
        if owner is not None:
            members: dict[str, Any] = {
                "IndexName": BY_OWNER,
                "KeyConditionExpression": "#owner = :owner",
                "ExpressionAttributeNames": {"#owner": "owner"},
                "ExpressionAttributeValues": {":owner": {"S": owner}},
            }
        else:
            members = {"FilterExpression": "attribute_exists(request_id)"}  # the table has other items, too
        operation = "Scan" if owner is None else "Query"
        async for item in items_of(self._dynamodb, operation, TableName=self._table, **members):
            job = _job_or_nothing(item)
            if job is not None:
                yield job

    async def _changed(
        self, job_id: str, update: Update, is_done: Callable[[Job], bool], returned: str = "ALL_NEW"
    ) -> Job:
        """Make a write.

        Args:
            job_id: of the job.
            update: the write, with its conditions.
            is_done: whether a job at which they do not hold is as the write wants it already.
            returned: which job is returned where they do hold.

        Raises:
            JobOverError: they do not, and it is not.
        """
        members: dict[str, Any] = {
            "TableName": self._table,
            "Key": _key(job_id),
            "ReturnValues": returned,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **update.members(),
        }
        try:
            reply = await self._dynamodb.call("UpdateItem", **members)
        except ConditionFailedError as error:
            # Some engines do not give the item back.
            job = job_of(error.item) if error.item else await self.get(job_id)
            if job is None or not is_done(job):
                raise JobOverError(job) from error
            return job
        return job_of(reply["Attributes"])


def _key(job_id: str) -> Item:
    return {"id": {"S": job_id}}


def _job_or_nothing(item: Item) -> Job | None:
    try:
        return job_of(item)
    except MalformedJobError:
        logger.exception("the item of job %s is malformed", item["id"]["S"])
        return None


def _is_running(job: Job) -> bool:
    return job.state == "running"


def _in_state(*states: JobState) -> Update:
    """An update on condition that the job is in one of the states."""
    update = Update()
    name = update.name("state")
    values = ", ".join(update.value({"S": state}) for state in states)
    update.require(f"{name} IN ({values})")
    return update


def _turn_to(update: Update, state: JobState) -> None:
    update.set(update.name("state"), update.value({"S": state}))

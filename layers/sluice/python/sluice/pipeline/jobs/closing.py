"""Ends jobs: decides what becomes of one, once, and carries out what follows, by whoever comes by, as often as need be.

    finish   running → finishing    its cost is in the same write
             the ledger's row       on condition that there is none
             the end of the hold    on condition that it is there
             work files dropped
             the webhook started    under the job's name
             finishing → completed
    fail     queued, running → failing
             the end of the hold: nothing is charged
             all files dropped, but the request and the words about the failure
             the webhook started
             failing → failed

Each step can be repeated, and is made before the job is said to be over; so that after a crash between any two of them
the next closer (the machine's retry, the event of its end, the schedule) does all of them again.

A job is charged to its hold. A hold that has expired may have been reclaimed: its request has a ledger row then that
says ``lost``, and its money may have been given to others. What cannot be charged is not handed out either: without its
hold a job fails. Where the hold is reclaimed between the decision and the row, the ledger overrules the decision: the
job turns from finishing to failing, and its files are dropped. Nobody has seen them, since a job shows what it has made
only once it is completed. Holds last an hour longer than executions, so that this takes a gateway whose functions stand
still for an hour.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from sluice.accounting.counter import NOTHING, Charge, Counter
from sluice.accounting.media import cost_of
from sluice.config import ClosingSettings
from sluice.errors import OverloadedError
from sluice.metrics import JobEnd, count_job, count_settle_failure
from sluice.observability import logger
from sluice.pipeline.jobs.request_file import MOST_BYTES, RequestFile, RequestFileError, request_in
from sluice.pipeline.reclaim import charge_of
from sluice.stores.aws import AWS, AWSError
from sluice.stores.bucket import Bucket, failure_key, job_prefix, request_key
from sluice.stores.counters import CounterStore
from sluice.stores.job_records import Job, JobState, Output
from sluice.stores.jobs import JobOverError, JobStore
from sluice.stores.ledger import LedgerStore
from sluice.stores.ledger_rows import LedgerRow
from sluice.stores.machines import Machines
from sluice.stores.outputs import OutputStore

ATTEMPTS: Final = 10
"""A job notes few files."""

TELL_SECONDS: Final = 120
"""How long the end of a job waits for the machine that tells of it to be started."""

LATE: Final = "timeout"
"""How a job fails that cannot be charged any more."""


def _tell_nobody(_key_id: str, _counter: Counter) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Closer:
    """Ends jobs.

    Every method raises ``OverloadedError`` when AWS throttles or cannot be reached, ``AWSError`` when it refuses; the
    job may be decided then, or not. Each can be repeated.

    Attributes:
        jobs: has the jobs.
        outputs, bucket: have their files.
        counters: has the holds.
        ledger: takes the rows.
        machines: starts webhooks.
        webhooks_machine: the ARN of their machine.
        clock: epoch seconds.
        note: told of each counter that is seen, by its key's id; who admits in this process knows then what is free.
    """

    jobs: JobStore
    outputs: OutputStore
    bucket: Bucket
    counters: CounterStore
    ledger: LedgerStore
    machines: Machines
    webhooks_machine: str
    clock: Callable[[], float] = time.time
    note: Callable[[str, Counter], None] = _tell_nobody

    @classmethod
    def assemble(
        cls,
        settings: ClosingSettings,
        aws: AWS,
        *,
        clock: Callable[[], float] = time.time,
        note: Callable[[str, Counter], None] = _tell_nobody,
    ) -> Self:
        """Put the parts together around the way to AWS."""
        bucket = Bucket(aws, settings.jobs_bucket)
        return cls(
            jobs=JobStore(aws, settings.jobs_table),
            outputs=OutputStore(aws, settings.jobs_table, bucket),
            bucket=bucket,
            counters=CounterStore(aws, settings.counters_table),
            ledger=LedgerStore(aws, settings.ledger_table),
            machines=Machines(aws),
            webhooks_machine=settings.webhooks_machine,
            clock=clock,
            note=note,
        )

    async def finish(self, job_id: str) -> None:
        """Have a running job completed, and charged for the files that it has stored; without any it fails.

        Raises:
            JobOverError: it was decided that it fails, it has not begun, or it is gone.
        """
        for _ in range(ATTEMPTS):
            job = await self.jobs.get(job_id)
            if job is None or job.state in ("queued", "failing", "failed"):
                raise JobOverError(job)
            if job.state == "running":
                job = await self._finished(job)
            if job is not None:
                await self.close(job)
                return
        raise OverloadedError("The job's files change all the time; try again.", retry_after=1)

    async def _finished(self, job: Job) -> Job | None:
        """A running job as it is decided; None if it has noted another file meanwhile.

        Raises:
            JobOverError: it was decided that it fails.
        """
        made = [output for output in job.outputs.values() if output.stored]
        request = await self._request(job.id) if made else None
        if request is None:
            if made:
                logger.error("the request of %s is gone or no request, and with it its price", job.id)
            return await self.jobs.fail(job.id, "server_error", self._milliseconds())
        if not await self._is_held(job):
            logger.error("nothing is held for %s any more; it fails", job.id)
            count_settle_failure(job.request_id)
            return await self.jobs.fail(job.id, LATE, self._milliseconds())
        cost, provider = _cost(job, made, request), request.legs[made[0].leg].provider
        try:
            return await self.jobs.finish(job.id, cost, provider, self._milliseconds(), job.notes)
        except JobOverError as error:
            if error.job is not None and error.job.state == "running":
                return None
            raise

    async def fail(self, job_id: str, code: str) -> None:
        """Have a job failed, which costs nothing.

        Raises:
            JobOverError: it was decided that it is finished, or it is gone.
        """
        await self.close(await self.jobs.fail(job_id, code, self._milliseconds()))

    async def close(self, job: Job) -> None:
        """Carry out what was decided, if anything was, and is not carried out yet."""
        if job.state == "finishing":
            job = await self._charged(job)
        if job.state == "finishing":
            await self._drop(
                job, [each for each in job.outputs.values() if each.stored], (request_key(job.id),)
            )
            await self._tell(job)
            await self._end(job, "completed")
        elif job.state == "failing":
            await self._settle(job, NOTHING)
            await self._drop(job, [], (request_key(job.id), failure_key(job.id)))
            await self._tell(job)
            await self._end(job, "failed")

    async def _is_held(self, job: Job) -> bool:
        """Whether there is anything that the job can be charged to."""
        counter = await self.counters.read(job.key_id)
        return counter is not None and counter.holds.get(job.request_id) == job.hold

    async def _charged(self, job: Job) -> Job:
        """The job that is charged; or as it is then, where it cannot be charged any more."""
        row = _row(job, self._milliseconds())
        standing = await self.ledger.put(row)
        if standing.status == "lost":
            logger.error("%s was finished after its hold was reclaimed; it fails", job.id)
            count_settle_failure(job.request_id)
            return await self.jobs.overrule(job.id, LATE)
        await self._settle(job, charge_of(standing) if standing.settles(job.hold) else NOTHING)
        return job

    async def _settle(self, job: Job, charge: Charge) -> None:
        counter = await self.counters.settle(job.key_id, job.request_id, job.hold, charge)
        if counter is not None:
            self.note(job.key_id, counter)

    async def _drop(self, job: Job, kept: list[Output], left: tuple[str, ...]) -> None:
        """Drop all of a job's files but the outputs that it keeps, and the objects that are left."""
        digests = {each.digest for each in job.outputs.values()} - {each.digest for each in kept}
        if digests:
            await self.outputs.drop(job.id, sorted(digests))
        async for key in self.bucket.keys(job_prefix(job.id)):
            if key not in left:
                await self.bucket.delete(key)

    async def _tell(self, job: Job) -> None:
        if not job.has_webhook:
            return
        try:
            await self.machines.start(self.webhooks_machine, job.id, {"job": job.id})
        except AWSError:  # no repetition mends it, and the job is none the less over
            logger.exception("nobody is told that %s is over", job.id)
        except OverloadedError:
            # Another attempt may do better, but its owner does not wait for ever for a job that is charged.
            if self._milliseconds() - (job.ended_at or job.created_at) < TELL_SECONDS * 1000:
                raise
            logger.exception("nobody is told that %s is over", job.id)

    async def _end(self, job: Job, state: JobState) -> None:
        if await self.jobs.end(job.id, state):
            ended_at = job.ended_at or self._milliseconds()
            count_job(JobEnd(job.id, job.kind, job.failure, job.cost or 0, ended_at - job.created_at))

    async def _request(self, job_id: str) -> RequestFile | None:
        blob = await self.bucket.get(request_key(job_id), MOST_BYTES)
        if blob is None:
            return None
        try:
            return request_in(blob.content)
        except RequestFileError:
            return None

    def _milliseconds(self) -> int:
        return int(self.clock() * 1000)


def _cost(job: Job, made: list[Output], request: RequestFile) -> int:
    """What the files of a job cost: no more than what is held for them."""
    parts = [
        (price, _pieces(job, output))
        for output in made
        if (price := request.legs[output.leg].price) is not None
    ]
    cost = cost_of(parts)
    if cost > job.hold.amount:
        logger.error("%s costs %d nano-USD, and %d are held for it", job.id, cost, job.hold.amount)
    return min(cost, job.hold.amount)


def _pieces(job: Job, output: Output) -> int:
    if job.seconds is None:
        return 1
    return job.seconds if output.seconds is None else min(output.seconds, job.seconds)


def _row(job: Job, settled_at: int) -> LedgerRow:
    made = [output for output in job.outputs.values() if output.stored]
    ended_at = job.ended_at or settled_at
    return LedgerRow(
        key_id=job.key_id,
        request_id=job.request_id,
        owner=job.owner,
        period=job.hold.period,
        hold_expires_at=job.hold.expires_at,
        status="complete",
        settled_at=settled_at,
        model=job.model,
        provider=job.provider,
        cost=job.cost or 0,
        images=len(made) if job.kind == "image" else 0,
        seconds=sum(_pieces(job, output) for output in made) if job.kind == "video" else 0,
        duration_ms=ended_at - job.created_at,
        request_hash=job.request_hash,
    )

"""The jobs table: one item a job, changed by conditional writes only.

Indexes: ``by_owner`` (owner, id), which sorts by time within a kind; ``open``, with the jobs that are not over yet.
"""

from collections.abc import AsyncIterator, Sequence

from sluice.stores.aws import AWS
from sluice.stores.job_records import Job, JobKind, JobState, Output


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
        raise NotImplementedError

    async def get(self, job_id: str) -> Job | None:
        """The job as it is this moment; None where there is none."""
        raise NotImplementedError

    async def begin(self, job_id: str, now: int) -> Job:
        """Queued → running; a job that is running stays so.

        Raises:
            JobOverError: it is past that.
        """
        raise NotImplementedError

    async def note_output(self, job_id: str, index: int, output: Output) -> Job:
        """Note a file of a running job: before it is stored, and once it is.

        Raises:
            JobOverError: it is not running.
        """
        raise NotImplementedError

    async def note_submitting(self, job_id: str, leg: int, now: int) -> Job:
        """Note that a running job is about to be submitted to its candidate at ``leg``; as it was BEFORE this write.

        Raises:
            JobOverError: it is not running.
        """
        raise NotImplementedError

    async def note_rejected(self, job_id: str) -> Job:
        """Note that no candidate has taken a running job that is submitted to nobody: ``submitting_at`` goes.

        One that has a reference keeps it all.

        Raises:
            JobOverError: it is not running.
        """
        raise NotImplementedError

    async def note_submitted(self, job_id: str, leg: int, provider: str, reference: str) -> Job:
        """Note what a provider knows a running job by; the first reference of a leg stays.

        Raises:
            JobOverError: it is not running.
        """
        raise NotImplementedError

    async def note_progress(self, job_id: str, progress: int) -> Job:
        """Note how far a running job is; it only grows.

        Raises:
            JobOverError: it is not running.
        """
        raise NotImplementedError

    async def finish(self, job_id: str, cost: int, provider: str, now: int) -> Job:
        """Running → finishing; one that is finishing or completed already stays as it is, with the cost that it has.

        Raises:
            JobOverError: it was decided that it fails.
        """
        raise NotImplementedError

    async def fail(self, job_id: str, failure: str, now: int) -> Job:
        """queued, running → failing; one that is failing or failed already stays as it is.

        Raises:
            JobOverError: it was decided that it is finished.
        """
        raise NotImplementedError

    async def end(self, job_id: str, state: JobState) -> Job | None:
        """Finishing → completed, failing → failed, once all that follows is done; None where there is none any more."""
        raise NotImplementedError

    async def delete(self, job_id: str) -> None:
        """Forget a job that is over.

        Raises:
            JobOverError: it is not over.
        """
        raise NotImplementedError

    async def of_owner(
        self, owner: str, kind: JobKind, *, after: str | None, limit: int, newest_first: bool
    ) -> tuple[Sequence[Job], bool]:
        """Some of an owner's jobs by time, those after the id ``after``; and whether there are more."""
        raise NotImplementedError

    def unfinished(self, before: int) -> AsyncIterator[Job]:
        """Jobs that are not over and were made before the epoch millisecond ``before``, or are being closed."""
        raise NotImplementedError

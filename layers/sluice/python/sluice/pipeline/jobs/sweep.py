"""Ends the jobs whose machines have not: by the event that an execution has ended badly, and on a schedule.

A video's event goes to the function of the tasks instead, which can tell the video's provider (``tasks.fail``). What is
left here of videos are those whose event did not help.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from sluice.config import ClosingSettings
from sluice.metrics import count_swept
from sluice.observability import logger
from sluice.pipeline.jobs.closing import Closer
from sluice.pipeline.jobs.executions import CODES, ended_execution
from sluice.pipeline.jobs.failures import FailureCode
from sluice.stores.aws import AWS
from sluice.stores.job_records import OPEN_STATES, Job
from sluice.stores.jobs import JobOverError, JobStore

LATE_SECONDS: Final = 300
"""How long past its deadline a job is left to its machine, which then is storing what came in time, or failing it."""
CLOSING_SECONDS: Final = 60
"""How long a decided job is left to whoever has decided it."""

AT_ONCE: Final = 8


class IncompleteError(Exception):
    """Not all jobs could be ended that ought to be. The log says which, and why."""


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Ends jobs that nobody else ends; ``clock`` is in epoch seconds."""

    jobs: JobStore
    closer: Closer
    clock: Callable[[], float] = time.time

    @classmethod
    def open(cls, settings: ClosingSettings, aws: AWS | None = None) -> Self:
        """Build all parts, around the way to AWS if there is one; no request leaves yet."""
        aws = aws or AWS()
        return cls(JobStore(aws, settings.jobs_table), Closer.assemble(settings, aws))

    async def answer(self, event: Mapping[str, Any]) -> dict[str, int]:
        """Do what an event asks for: end one job, or see to all.

        Returns:
            How many jobs were ended.

        Raises:
            OverloadedError, IncompleteError: not all were. Another attempt does no harm.
        """
        execution = ended_execution(event)
        if execution is None:
            return {"ended": await self.sweep()}
        return {
            "ended": 0 if execution.job is None else int(await self.ended(execution.job, execution.status))
        }

    async def ended(self, job_id: str, status: str) -> bool:
        """A job's execution has ended badly; ``status`` is Step Functions' word for how. Whether that ended the job."""
        job = await self.jobs.get(job_id)
        return job is not None and await self._end(job, CODES.get(status, "server_error"))

    async def sweep(self) -> int:
        """End all jobs that are too late, or were decided and left; how many there were.

        Raises:
            IncompleteError: not all could be ended.
            OverloadedError: not all could be found.
        """
        now = self.clock()
        found = [job async for job in self.jobs.unfinished(int(now * 1000)) if _is_left(job, now)]
        ended = failed = 0
        for some in itertools.batched(found, AT_ONCE, strict=False):
            outcomes = await asyncio.gather(*map(self._ended, some))
            ended += outcomes.count(True)
            failed += outcomes.count(None)
        log = (
            logger.warning if ended or failed else logger.info
        )  # all is well where there is nothing to sweep
        log("swept", extra={"swept": {"ended": ended, "failed": failed}})
        count_swept(ended + failed)
        if failed:
            raise IncompleteError(f"{failed} job(s) could not be ended")
        return ended

    async def _ended(self, seen: Job) -> bool | None:
        """End a job that was seen; None where that fails, whatever becomes of the others."""
        try:
            job = await self.jobs.get(seen.id)  # an index is behind its table
            return job is not None and _is_left(job, self.clock()) and await self._end(job, "timeout")
        except Exception:  # whatever it is, the next job has nothing to do with it
            logger.exception("%s could not be ended", seen.id)
            return None

    async def _end(self, job: Job, code: FailureCode) -> bool:
        if job.is_over:
            return False
        if job.state in OPEN_STATES:
            try:
                await self.closer.fail(job.id, code)
            except JobOverError as error:
                if error.job is None:
                    return False
                job = error.job
            else:
                logger.warning("%s was left by its machine; it fails: %s", job.id, code)
                return True
        await self.closer.close(job)
        return True


def _is_left(job: Job, now: float) -> bool:
    if job.is_over:
        return False
    if job.state in OPEN_STATES:
        return now > job.deadline + LATE_SECONDS
    return now * 1000 > (job.ended_at or job.created_at) + CLOSING_SECONDS * 1000

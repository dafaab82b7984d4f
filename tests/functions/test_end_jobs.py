"""The function that ends jobs whose machines have not, over a stand-in for AWS with the template's tables and bucket."""

import importlib.util
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from function_handlers import sample_events
from key_records import key_record
from local_stack import ROOT, botocore_client, local_stack
from made_jobs import made_job, made_output
from sluice.accounting.demand import Fixed
from sluice.config import ClosingSettings, ConfigurationError
from sluice.local.stack import STACK, Stack
from sluice.pipeline.admit import Admitter
from sluice.pipeline.jobs.request_file import JobLeg, RequestFile
from sluice.pipeline.jobs.sweep import Sweeper
from sluice.pipeline.reclaim import Reclaimer
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS
from sluice.stores.bucket import Blob, job_prefix, output_key, request_key, work_key
from sluice.stores.job_records import Job
from sluice.stores.ledger_rows import LedgerRow
from sluice.worker import UnexpectedError, Worker

KEY = key_record("sk-1", id="key_end_jobs", budget_nano_usd=1_000)


def function_module() -> Any:
    spec = importlib.util.spec_from_file_location("end_jobs", ROOT / "functions" / "end_jobs" / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def own_stack() -> Iterator[tuple[Endpoint, Stack]]:
    with local_stack() as made:
        yield made


@dataclass(frozen=True)
class Function:
    """The function, over tables and a bucket of its own."""

    module: Any
    sweeper: Sweeper
    admitter: Admitter

    async def run(self, event: dict[str, Any]) -> dict[str, int]:
        """One invocation."""
        found: dict[str, int] = await Worker(self.module.answer, open_parts=lambda: self.sweeper).answer(
            event
        )
        return found

    async def execution(self, job: Job, status: str) -> dict[str, int]:
        """One invocation, because of how an execution has ended."""
        event = sample_events("end_jobs")[status.lower()]
        assert event["detail"]["status"] == status
        return await self.run(event | {"detail": event["detail"] | {"name": job.id}})

    async def job(self, *, is_made: bool = True, deadline: float | None = None) -> Job:
        """A running job of one picture, held for."""
        closer = self.sweeper.closer
        job = made_job(key_id=KEY.id, deadline=int(deadline or time.time() + 600))
        job = replace(job, expires_at=int(time.time()) + 9_000)
        admission = await self.admitter.admit(KEY, Fixed(70), job.request_id, 4_000)
        await self.sweeper.jobs.put_new(replace(job, hold=admission.hold))
        legs = (JobLeg(provider="near", model="p-1", price="0.00000004"),)
        request = RequestFile(request={"model": "painter", "prompt": "x"}, model="painter", legs=legs)
        content = request.model_dump_json().encode()
        await closer.bucket.put(request_key(job.id), Blob(content, "application/json"))
        await closer.bucket.put(work_key(job.id, 0), Blob(b"work", "application/octet-stream"))
        await self.sweeper.jobs.begin(job.id, 1)
        if is_made:
            output = made_output(f"{job.id}")
            await self.sweeper.jobs.note_output(job.id, 0, replace(output, stored=False))
            blob = Blob(b"picture of " + job.id.encode(), "image/png")
            await closer.outputs.store(job.id, output.digest, blob, job.expires_at)
            await self.sweeper.jobs.note_output(job.id, 0, output)
        found = await self.sweeper.jobs.get(job.id)
        assert found is not None
        return found

    async def files(self, job: Job) -> list[str]:
        """What lies in the bucket of a job."""
        bucket = self.sweeper.closer.bucket
        found = [key async for key in bucket.keys(job_prefix(job.id))]
        digest = job.outputs[0].digest if job.outputs else "none"
        return [*found, *[key async for key in bucket.keys(output_key(digest))]]

    async def books(self, job: Job) -> tuple[LedgerRow | None, bool]:
        """Its row, and whether its money is still held."""
        closer = self.sweeper.closer
        counter = await closer.counters.read(KEY.id)
        assert counter is not None
        return await closer.ledger.get(KEY.id, job.request_id), job.request_id in counter.holds

    async def state(self, job: Job) -> tuple[str, str | None]:
        """How it is, and why."""
        found = await self.sweeper.jobs.get(job.id)
        assert found is not None
        return found.state, found.failure


def bucket_of(endpoint: Endpoint) -> str:
    """The name of the bucket that the template describes."""
    resources = botocore_client(endpoint, "cloudformation").describe_stack_resources(StackName=STACK)
    (bucket,) = [each for each in resources["StackResources"] if each["LogicalResourceId"] == "JobsBucket"]
    return str(bucket["PhysicalResourceId"])


@pytest.fixture
async def function(
    own_stack: tuple[Endpoint, Stack], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Function]:
    endpoint, stack = own_stack
    variables = {
        "SLUICE_COUNTERS_TABLE": stack.tables["CountersTable"],
        "SLUICE_LEDGER_TABLE": stack.tables["LedgerTable"],
        "SLUICE_JOBS_TABLE": stack.tables["JobsTable"],
        "SLUICE_JOBS_BUCKET": bucket_of(endpoint),
        "SLUICE_WEBHOOKS_MACHINE": stack.machines["WebhooksMachine"],
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with closing(AWS(endpoint)) as aws:
        sweeper = Sweeper.open(ClosingSettings.from_environment(), aws)
        counters, ledger = sweeper.closer.counters, sweeper.closer.ledger
        reclaimer = Reclaimer(counters, ledger, clock=time.time)
        admitter = Admitter(counters, reclaimer, hold_seconds=960, size=1, clock=time.time)
        yield Function(function_module(), sweeper, admitter)


@pytest.mark.parametrize(
    ("status", "code"), [("FAILED", "server_error"), ("ABORTED", "cancelled"), ("TIMED_OUT", "timeout")]
)
async def test_a_job_whose_execution_failed_fails(function: Function, status: str, code: str) -> None:
    job = await function.job()
    assert len(await function.files(job)) == 3
    assert await function.execution(job, status) == {"ended": 1}
    assert await function.state(job) == ("failed", code)
    assert await function.books(job) == (None, False)
    assert await function.files(job) == [request_key(job.id)]
    assert await function.execution(job, status) == {"ended": 0}


async def test_a_job_that_was_decided_is_carried_out(function: Function) -> None:
    job = await function.job()
    await function.sweeper.jobs.finish(job.id, 40, "near", 1)
    assert await function.execution(job, "TIMED_OUT") == {"ended": 1}
    assert await function.state(job) == ("completed", None)
    row, is_held = await function.books(job)
    assert row is not None
    assert (row.cost, row.images, is_held) == (40, 1, False)
    assert await function.files(job) == [request_key(job.id), output_key(job.outputs[0].digest)]


async def test_the_schedule_sees_to_all(function: Function) -> None:
    late = await function.job(deadline=time.time() - 1_000)
    left = await function.job()
    await function.sweeper.jobs.finish(left.id, 40, "near", 1)
    fresh = await function.job()
    assert await function.run(sample_events("end_jobs")["scheduled"]) == {"ended": 2}
    assert await function.state(late) == ("failed", "timeout")
    assert await function.state(left) == ("completed", None)
    assert await function.state(fresh) == ("running", None)
    assert (await function.books(fresh))[1]


async def test_an_event_of_somebody_elses_execution_is_none_of_ours(function: Function) -> None:
    assert await function.execution(replace(made_job(), id="nightly-report"), "FAILED") == {"ended": 0}


async def test_an_event_that_is_none_fails(function: Function) -> None:
    with pytest.raises(UnexpectedError):
        await function.run({"detail-type": "Step Functions Execution Status Change"})


async def test_its_parts_are_built_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = function_module().handler
    assert isinstance(handler, Worker)
    for name in ("COUNTERS_TABLE", "LEDGER_TABLE", "JOBS_TABLE", "JOBS_BUCKET", "WEBHOOKS_MACHINE"):
        monkeypatch.setenv(f"SLUICE_{name}", "it")
    monkeypatch.delenv("SLUICE_JOBS_TABLE")
    with pytest.raises(ConfigurationError, match="SLUICE_JOBS_TABLE"):
        await handler.answer({})

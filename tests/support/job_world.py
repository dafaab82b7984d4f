"""A workshop in memory with one job in it, the machine that runs it, and what a test asks afterwards."""

import contextlib
import importlib.util
import json
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast

import pytest

from fake_makers import Makers, maker
from machine_driver import MACHINES, Execution, MachineDriver, definition
from memory_jobs import Interference, MemoryBucket, MemoryJobs, MemoryOutputs, nothing
from sluice.accounting.counter import Hold
from sluice.catalog import Catalog
from sluice.config import TaskSettings
from sluice.credentials import Credential
from sluice.pipeline.jobs.closing import Closer
from sluice.pipeline.jobs.legs import Reach
from sluice.pipeline.jobs.request_file import JobLeg, RequestFile
from sluice.pipeline.jobs.workshop import Workshop
from sluice.pipeline.live_catalog import LiveCatalog, SnapshotSource
from sluice.stores.bucket import Blob, request_key
from sluice.stores.job_records import Job, JobKind
from sluice.stores.jobs import JobOverError
from sluice.stores.machines import Machines
from sluice.stores.models import Snapshot
from sluice.worker import Worker

NOON = 1_800_000_000.0
DIGITS = "0123456789abcdef"
PROMPT = "a cat that nobody may hear of"

SETTINGS = TaskSettings.model_validate(
    {
        "jobs_table": "JobsTable",
        "jobs_bucket": "bucket",
        "counters_table": "CountersTable",
        "ledger_table": "LedgerTable",
        "models_table": "ModelsTable",
        "webhooks_machine": "arn:webhooks",
        "public_url": "https://gateway.test",
        "max_image_bytes": 10_000,
        "max_video_bytes": 20_000,
    }
)

NAMES = ("alpha", "beta", "gamma")
"""Of the providers, and the hosts that they are at."""


KINDS = {
    (repeatable, calls_back): f"maker-{repeatable}-{calls_back}"
    for repeatable in (False, True)
    for calls_back in (False, True)
}
"""Names of providers' kinds, by whether a submission can be repeated, and whether they call back."""


@pytest.fixture(autouse=True)
def makers_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the providers' registry know them; a test module imports this."""
    known = {kind: maker(repeatable=key[0], calls_back=key[1]) for key, kind in KINDS.items()}
    monkeypatch.setattr("sluice.pipeline.jobs.legs.PROVIDERS", known)


def _function() -> Any:
    spec = importlib.util.spec_from_file_location("jobs_function", MACHINES / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FUNCTION = _function()
"""The function's module."""


class NoCredentials:
    """See ``CredentialSource``: these providers want none."""

    async def get(self, name: str) -> Credential | None:
        """There is none."""
        return None


class MemoryMachines(Machines):
    """Takes down which tokens were sent back."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    async def task_succeeded(self, token: str) -> None:
        """See ``Machines``."""
        self.woken.append(token)


class MemoryCloser(Closer):
    """Decides as the real one does, and keeps the books in memory."""

    def __init__(self, world: "JobWorld") -> None:
        self._world = world

    async def finish(self, job_id: str) -> None:
        """See ``Closer``."""
        world = self._world
        job = world.jobs.items[job_id]
        pieces = [each.seconds or 1 for each in job.outputs.values() if each.stored]
        await self.close(await world.jobs.finish(job_id, sum(pieces), "alpha", int(world.now * 1000)))

    async def fail(self, job_id: str, code: str) -> None:
        """See ``Closer``."""
        await self.close(await self._world.jobs.fail(job_id, code, int(self._world.now * 1000)))

    async def close(self, job: Job) -> None:
        """See ``Closer``."""
        world = self._world
        finished = job.state in ("finishing", "completed")
        if finished:
            world.ledger[job.request_id] = job.cost or 0
        world.held.discard(job.request_id)
        gone = [each.digest for each in job.outputs.values() if not (finished and each.stored)]
        await world.outputs.drop(job.id, gone, int(world.now))
        async for key in world.bucket.keys(f"jobs/{job.id}/"):
            if not key.endswith("/request.json") and (finished or not key.endswith("/failure.json")):
                await world.bucket.delete(key)
        await world.jobs.end(job.id, "completed" if finished else "failed")


@dataclass
class JobWorld:
    """All of it. ``machine`` runs the job's own definition."""

    kind: JobKind = "image"
    count: int = 1
    legs: tuple[str, ...] = ("alpha",)
    prompt: str = PROMPT
    seconds: int = 4
    repeatable: bool = False
    calls_back: bool = False

    def __post_init__(self) -> None:
        self.now = NOON
        self.around = Interference()
        self.makers = Makers(self.around)
        self.bucket = MemoryBucket(self.around)
        self.jobs = MemoryJobs(self.around)
        self.outputs = MemoryOutputs(self.bucket, self.around)
        self.machines = MemoryMachines()
        self.ledger: dict[str, int] = {}
        self.job_id = f"{self.kind}_{DIGITS}"
        self.held = {f"req_{DIGITS}"}
        self.events: list[dict[str, Any]] = []
        kind = KINDS[self.repeatable, self.calls_back]
        rows = {name: {"kind": kind, "base_url": f"https://{name}"} for name in NAMES}
        self.catalog = Catalog.model_validate({"providers": rows, "models": []})
        self.workshop = Workshop(
            settings=SETTINGS,
            reach=Reach(
                LiveCatalog(
                    self.catalog, cast("SnapshotSource", _NoTable()), seconds=60, clock=lambda: self.now
                ),
                NoCredentials(),
                self.makers,
            ),
            jobs=self.jobs,
            bucket=self.bucket,
            outputs=self.outputs,
            machines=self.machines,
            closer=MemoryCloser(self),
            clock=lambda: self.now,
        )
        self.worker = Worker(FUNCTION.answer, open_parts=lambda: self.workshop, known=FUNCTION.KNOWN)
        self._put_job()

    def _put_job(self) -> None:
        asked: dict[str, object] = {"model": "maker", "prompt": self.prompt}
        asked |= {"n": self.count} if self.kind == "image" else {"seconds": self.seconds}
        request = RequestFile(
            request=asked,
            model="maker",
            legs=tuple(JobLeg(provider=name, model="m-1", price=Decimal("0.04")) for name in self.legs),
            callback_secret="callback-secret",
        )
        content = request.model_dump_json().encode()
        self.bucket.objects[request_key(self.job_id)] = Blob(content, "application/json")
        self.jobs.items[self.job_id] = Job(
            id=self.job_id,
            request_id=f"req_{DIGITS}",
            key_id="key_1",
            owner="owner",
            kind=self.kind,
            state="queued",
            model="maker",
            count=self.count,
            seconds=self.seconds if self.kind == "video" else None,
            hold=Hold(1_000, 0, int(NOON) + 10_000, ""),
            created_at=int(NOON * 1000),
            deadline=int(NOON) + 3_600,
            expires_at=int(NOON) + 86_400,
            request_hash="hash",
            input_hash="input",
        )

    @property
    def job(self) -> Job:
        """As it is."""
        return self.jobs.items[self.job_id]

    def change(self, **members: Any) -> None:
        """Have it otherwise."""
        self.jobs.items[self.job_id] = replace(self.job, **members)

    @property
    def files(self) -> list[str]:
        """What lies in the bucket, but for the request."""
        return sorted(key for key in self.bucket.objects if not key.endswith("/request.json"))

    @property
    def failure(self) -> dict[str, str]:
        """What a client would be told."""
        found: dict[str, str] = json.loads(self.bucket.objects[f"jobs/{self.job_id}/failure.json"].content)
        return found

    @property
    def charges(self) -> list[int]:
        """What was charged for the job, row by row."""
        return list(self.ledger.values())

    async def cancelled(self) -> None:
        """Its client does not want it any more."""
        with contextlib.suppress(JobOverError):
            await self._undisturbed(self.workshop.closer.fail(self.job_id, "cancelled"))

    async def ended(self) -> None:
        """What comes by when an execution has ended, and later: whatever is not over is ended."""
        closer = self.workshop.closer
        if self.job.state in ("queued", "running"):
            await closer.fail(self.job_id, "server_error")
        elif not self.job.is_over:
            await closer.close(self.job)

    async def _undisturbed(self, work: Coroutine[Any, Any, None]) -> None:
        """Something that others do, whom nothing happens to."""
        around, self.around.before, self.around.after = (
            (self.around.before, self.around.after),
            nothing,
            nothing,
        )
        try:
            await work
        finally:
            self.around.before, self.around.after = around

    async def task(self, name: str, **members: Any) -> Any:
        """Do one task, as Lambda does."""
        event = {"task": name, "job": self.job_id, **members}
        self.events.append(event)
        return await self.worker.answer(event)

    async def run(self) -> Execution:
        """Run the job's machine."""

        async def invoke(event: dict[str, Any]) -> Any:
            members = {name: value for name, value in event.items() if name not in ("task", "job")}
            assert event["job"] == self.job_id
            return await self.task(event["task"], **members)

        def waits(seconds: float) -> None:
            self.now += seconds

        driver = MachineDriver(
            definition(f"{self.kind}s"), invoke, waits, lambda token: token in self.machines.woken
        )
        return await driver.run({"job": self.job_id})


class _NoTable:
    async def read(self) -> Any:
        return Snapshot()

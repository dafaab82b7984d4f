"""A workshop in memory with one job in it, the machine that runs it, and what a test asks afterwards."""

import contextlib
import importlib.util
import json
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast

import pytest

from bookkeeping import MONTH, NOON, Bookkeeping, key_with_budget
from fake_makers import Makers, maker
from machine_driver import MACHINES, Execution, MachineDriver, definition
from memory_jobs import (
    Interference,
    MemoryBucket,
    WatchedCounters,
    WatchedJobs,
    WatchedLedger,
    WatchedOutputs,
    nothing,
)
from sluice.accounting.admission import Taking
from sluice.accounting.counter import Hold, Limits
from sluice.accounting.demand import Fit
from sluice.accounting.windows import Window
from sluice.catalog import Catalog
from sluice.config import TaskSettings
from sluice.credentials import Credential
from sluice.pipeline.jobs.closing import Closer
from sluice.pipeline.jobs.legs import Reach
from sluice.pipeline.jobs.request_file import JobLeg, RequestFile
from sluice.pipeline.jobs.workshop import Workshop
from sluice.pipeline.live_catalog import LiveCatalog, SnapshotSource
from sluice.pipeline.reconcile import Equal
from sluice.stores.bucket import Blob, request_key
from sluice.stores.counter_items import admitting
from sluice.stores.counters import LEAD
from sluice.stores.job_items import item_of, job_of
from sluice.stores.job_records import Job, JobKind
from sluice.stores.jobs import JobOverError
from sluice.stores.machines import Machines
from sluice.stores.models import Snapshot
from sluice.worker import Worker

DIGITS = "0123456789abcdef"
REQUEST_ID = f"req_{DIGITS}"
PRICE = Decimal("0.000001")
"""Of a picture, or a second."""
UNIT = 1_000
"""The same in nano-USD."""
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
    monkeypatch.setattr("sluice.providers.registry.PROVIDERS", known)


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
        self.books = Bookkeeping()
        self.books.now = self.now
        aws = self.books.client.aws
        self.bucket = MemoryBucket(self.around)
        self.jobs = WatchedJobs(aws, self.around)
        self.outputs = WatchedOutputs(aws, self.bucket, self.around, lambda: self.now)
        self.machines = MemoryMachines()
        self.job_id = f"{self.kind}_{DIGITS}"
        self.key = key_with_budget()
        self.books.keys.records.append(self.key)
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
            closer=Closer(
                jobs=self.jobs,
                outputs=self.outputs,
                bucket=self.bucket,
                counters=WatchedCounters(aws, self.around),
                ledger=WatchedLedger(aws, self.around),
                machines=self.machines,
                webhooks_machine="arn:webhooks",
                clock=lambda: self.now,
            ),
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
            legs=tuple(JobLeg(provider=name, model="m-1", price=PRICE) for name in self.legs),
            callback_secret="callback-secret",
        )
        content = request.model_dump_json().encode()
        self.bucket.objects[request_key(self.job_id)] = Blob(content, "application/json")
        pieces = self.count if self.kind == "image" else self.seconds
        self._write(
            Job(
                id=self.job_id,
                request_id=REQUEST_ID,
                key_id=self.key.id,
                owner="owner",
                kind=self.kind,
                state="queued",
                model="maker",
                count=self.count,
                seconds=self.seconds if self.kind == "video" else None,
                hold=self._held(pieces * UNIT),
                created_at=int(NOON * 1000),
                deadline=int(NOON) + 3_600,
                expires_at=int(NOON) + 86_400,
                request_hash="hash",
                input_hash="input",
            )
        )

    def _held(self, amount: int) -> Hold:
        """What a key holds for the job: its counter says so."""
        hold = Hold(amount, 0, int(NOON) + 10_000, MONTH)
        window = Window(0, 0, (0, 0, 0, 0, 0), 0)
        taking = Taking(Fit(0, 0, amount), None, window, window, window, MONTH)
        update = admitting(REQUEST_ID, hold, taking, Limits(), int(NOON))
        key = {"id": {"S": LEAD + self.key.id}}
        self.books.database.execute(
            "UpdateItem", {"TableName": "CountersTable", "Key": key, **update.members()}
        )
        return hold

    def _write(self, job: Job) -> None:
        self.books.database.tables["JobsTable"][(job.id,)] = item_of(job)

    @property
    def job(self) -> Job:
        """As it is."""
        return job_of(self.books.database.tables["JobsTable"][(self.job_id,)])

    def change(self, **members: Any) -> None:
        """Have it otherwise."""
        self._write(replace(self.job, **members))

    def forget(self) -> None:
        """Have no such job any more."""
        del self.books.database.tables["JobsTable"][(self.job_id,)]

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
        """What was charged for the job, row by row, in units: a picture, or a second."""
        rows = self.books.database.tables["LedgerTable"].values()
        return [int(row["cost"]["N"]) // UNIT for row in rows]

    @property
    def holds(self) -> list[str]:
        """What is held still."""
        counter = self.books.database.tables["CountersTable"][(LEAD + self.key.id,)]
        return list(counter["holds"]["M"])

    @property
    def output_items(self) -> dict[str, list[str]]:
        """Which jobs have which file, by the table."""
        items = self.books.database.tables["JobsTable"].values()
        return {
            item["id"]["S"]: item.get("jobs", {"SS": []})["SS"]
            for item in items
            if item["id"]["S"].startswith("output#")
        }

    async def is_balanced(self) -> bool:
        """Whether the counter says what the ledger and the holds say."""
        return isinstance(await self.books.reconciler.one(self.key.id, repair=False), Equal)

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

"""A studio with everything in memory, what carries its jobs out, and what the books say in the end.

``around`` stands before and after each call to a table, to the bucket and to Step Functions: there a test lets a call
fail, a reply get lost, or a process die.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, cast

from fake_dynamodb import FakeDynamoDB, aws_with
from fake_upstream import FakeUpstream
from key_records import FakeKeys, key_record
from made_jobs import made_output
from made_settings import TABLES, StudioSettings
from memory_jobs import Interference, MemoryBucket, MemoryOutputs
from sluice.accounting.counter import Counter
from sluice.catalog import Catalog
from sluice.errors import OverloadedError
from sluice.keys import new_secret
from sluice.observability import RequestRecord
from sluice.pipeline.admit import Admitter
from sluice.pipeline.idempotency import Idempotency
from sluice.pipeline.jobs.closing import Closer
from sluice.pipeline.jobs.media import Images, Videos
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.jobs.submit import Submission, submit
from sluice.pipeline.jobs.sweep import Sweeper
from sluice.pipeline.jobs.visit import wanted
from sluice.pipeline.jobs.webhooks.desk import WebhookDesk
from sluice.pipeline.path import Call
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.settle import Settler
from sluice.stores.aws import AWS, UnansweredError
from sluice.stores.bucket import Blob, failure_key, request_key, work_key
from sluice.stores.counters import CounterStore, counter_of
from sluice.stores.idempotency import IdempotencyStore
from sluice.stores.job_items import job_of
from sluice.stores.job_records import Job
from sluice.stores.jobs import JobStore
from sluice.stores.key_records import KeyRecord
from sluice.stores.ledger import LedgerStore
from sluice.stores.ledger_rows import LedgerRow, row_of
from sluice.stores.outputs import OutputStore
from studio_catalog import CATALOG
from studio_parts import MemoryMachines, NoWebhooks, Tables

NOON = 1_795_262_400.0
SECRET = new_secret("key")
PROMPT = "a cat that nobody may hear of"
NANO = 1_000_000_000


class CrashError(BaseException):
    """The process is dead."""


Fault = Literal["throttled", "unsent", "lost", "killed", "killed_after"]
"""What becomes of a call: it fails, and was not carried out; nobody knows that; it was carried out, and nobody knows;
its process dies before it, or after."""


class StudioWorld:
    """A studio, the time, and one key.

    Args:
        record: the key's; by default one with a budget of a dollar.
        settings: beside the usual ones.
        catalog: in the place of ``CATALOG``.
        aws: the way to tables in the place of those in memory; what the books say is not known of them here.
    """

    def __init__(
        self,
        record: KeyRecord | None = None,
        catalog: Catalog = CATALOG,
        aws: AWS | None = None,
        **settings: Any,
    ) -> None:
        self.now = NOON
        self.key = record or key_record(SECRET, id="key_a", owner="ann", budget_nano_usd=NANO)
        self.around = Interference()
        self.database = FakeDynamoDB()
        self.aws = aws or aws_with(Tables(self.database, self.around))
        self.bucket = MemoryBucket(self.around)
        self.outputs = MemoryOutputs(self.bucket, self.around)
        self.machines = MemoryMachines(self.around)
        self.webhooks = NoWebhooks()
        self.settings = StudioSettings.model_validate(
            TABLES
            | {
                "jobs_table": "JobsTable",
                "jobs_bucket": "bucket",
                "images_machine": "arn:images",
                "videos_machine": "arn:videos",
                "webhooks_machine": "arn:webhooks",
            }
            | settings
        )
        self.catalog = catalog
        self.requests = 1 << 64  # no number of a job that a test has made itself
        self.headers: dict[str, str] = {}
        self.record = RequestRecord("", "", "")
        self.studio = self.environment()

    def environment(self) -> Studio:
        """Another process over the same tables and bucket."""
        aws = self.aws
        self.keys = FakeKeys(self.key)
        made = Studio.assemble(self.settings, self.catalog, aws, FakeUpstream())
        counters = CounterStore(aws, "CountersTable")
        ledger = LedgerStore(aws, "LedgerTable")
        reclaimer = Reclaimer(counters, ledger, clock=self.clock)
        admitter = Admitter(counters, reclaimer, hold_seconds=960, size=100, clock=self.clock)
        gateway = replace(
            made.gateway,
            keys=self.keys.cache(seconds=0),
            admitter=admitter,
            settler=Settler(counters, ledger, reclaimer, clock=self.clock, note=admitter.note),
            idempotency=Idempotency(
                IdempotencyStore(aws, "IdempotencyTable"), seconds=86_400, clock=self.clock
            ),
        )
        return replace(
            made,
            gateway=gateway,
            bucket=self.bucket,
            outputs=self.outputs,
            machines=self.machines,
            webhooks=cast("WebhookDesk", self.webhooks),
            closer=replace(
                made.closer,
                outputs=self.outputs,
                bucket=self.bucket,
                machines=self.machines,
                clock=self.clock,
            ),
        )

    def clock(self) -> float:
        """Epoch seconds."""
        return self.now

    @property
    def closer(self) -> Closer:
        """Ends jobs."""
        return self.studio.closer

    @property
    def jobs(self) -> JobStore:
        """Has them."""
        return self.studio.jobs

    @property
    def sweeper(self) -> Sweeper:
        """Comes by."""
        return Sweeper(self.jobs, self.closer, self.clock)

    # ── what clients do ──────────────────────────────────────────────────────────────────────────────────────────

    async def submit(
        self,
        *,
        video: bool = False,
        waits: bool = False,
        idempotency_key: str | None = None,
        providers: str | None = None,
        studio: Studio | None = None,
        **members: Any,
    ) -> Submission:
        """Ask for a picture or a video."""
        self.requests += 1
        model = "filmer" if video else "painter"
        body = {"model": model, "prompt": PROMPT} | members
        self.record = RequestRecord(f"req_{self.requests:032x}", "POST", "/v1/things")
        self.headers = {}
        call = Call(
            f"Bearer {SECRET}",
            json.dumps(body).encode(),
            self.record,
            self.headers,
            idempotency_key=idempotency_key,
            providers=providers,
        )
        medium: Any = Videos() if video else Images(waits=waits)
        chosen = studio or self.studio
        return await submit(chosen, call, await wanted(chosen, call, json.loads), medium)

    # ── what the machine does ────────────────────────────────────────────────────────────────────────────────────

    async def make(self, job: Job, *missing: int, leg: int = 0, seconds: int | None = None) -> Job:
        """Have a job's files made and stored, but for some."""
        job = await self.jobs.begin(job.id, int(self.now * 1000))
        for index in range(job.count):
            await self.bucket.put(work_key(job.id, index), Blob(b"work", "application/octet-stream"))
            if index in missing:
                continue
            output = made_output(f"{job.id}-{index}", leg=leg, seconds=seconds)
            job = await self.jobs.note_output(job.id, index, replace(output, stored=False))
            blob = Blob(b"picture", "image/png")
            await self.outputs.store(job.id, output.digest, blob, job.expires_at)
            job = await self.jobs.note_output(job.id, index, output)
        return job

    # ── what the books say ───────────────────────────────────────────────────────────────────────────────────────

    async def job(self, job_id: str) -> Job:
        """A job as it is."""
        return job_of(self.database.tables["JobsTable"][(job_id,)])

    @property
    def all_jobs(self) -> list[Job]:
        """All jobs."""
        return [job_of(item) for item in self.database.tables["JobsTable"].values()]

    @property
    def ledger(self) -> list[LedgerRow]:
        """All rows."""
        return [row_of(item) for item in self.database.tables["LedgerTable"].values()]

    @property
    def counter(self) -> Counter | None:
        """The key's."""
        items = list(self.database.tables["CountersTable"].values())
        return counter_of(items[0]) if items else None

    @property
    def used(self) -> int:
        """What the counter says is spent and held."""
        return self.counter.used if self.counter else 0

    @property
    def holds(self) -> list[str]:
        """Whose money is held."""
        return list(self.counter.holds) if self.counter else []

    @property
    def charges(self) -> list[int]:
        """What was charged, row by row; those that were lost are none."""
        return [row.cost for row in self.ledger if row.status != "lost"]

    @property
    def files(self) -> list[str]:
        """All keys of the bucket."""
        return sorted(self.bucket.objects)

    def request_file(self, job_id: str) -> RequestFile:
        """What is kept of a job's request."""
        return RequestFile.model_validate_json(self.bucket.objects[request_key(job_id)].content)

    def all_is_well(self, *left: str) -> None:
        """Every job is over, and each that is completed is charged once; nothing else is, and nothing is held.

        Nor does any file lie in the bucket but those of jobs, and those that are ``left``.
        """
        assert self.holds == []
        assert self.used == sum(self.charges)
        completed = {job.request_id: job for job in self.all_jobs if job.state == "completed"}
        assert all(job.is_over for job in self.all_jobs), self.all_jobs
        rows = {row.request_id: row for row in self.ledger if row.status != "lost"}
        assert {name: row.cost for name, row in rows.items()} == {
            name: job.cost for name, job in completed.items()
        }
        stored = {
            f"outputs/{output.digest}"
            for job in completed.values()
            for output in job.outputs.values()
            if output.stored
        }
        told = {key(job.id) for job in self.all_jobs for key in (request_key, failure_key)}
        assert set(self.files) <= stored | told | set(left)
        assert stored <= set(self.files)

    # ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────

    def let_fail(self, number: int, fault: Fault) -> None:
        """Have something become of the call of that number from now on, the first one being 0."""
        self.around.calls.clear()
        dead = False

        async def before(_call: str) -> None:
            nonlocal dead
            if len(self.around.calls) - 1 == number:
                dead = fault == "killed"
                if fault == "throttled":
                    raise OverloadedError("busy", retry_after=1)
                if fault == "unsent":
                    raise UnansweredError("busy", retry_after=1)
            if dead:
                raise CrashError

        async def after(_call: str) -> None:
            nonlocal dead
            if len(self.around.calls) - 1 == number:
                dead |= fault == "killed_after"
                if fault == "lost":
                    raise UnansweredError("busy", retry_after=1)
            if dead:
                raise CrashError

        self.around.before, self.around.after = before, after

    def all_goes_well(self) -> None:
        """From now on nothing goes wrong."""
        calm = Interference()
        self.around.before, self.around.after = calm.before, calm.after


def files_of(outputs: OutputStore) -> Mapping[str, set[str]]:
    """Which jobs have which files."""
    assert isinstance(outputs, MemoryOutputs)
    return outputs.holders

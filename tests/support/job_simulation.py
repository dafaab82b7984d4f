"""Jobs in the simulated world: each process takes, makes and ends them with the real code, over one table in memory.

Only calls to DynamoDB wait for the test. Files and executions are there at once, unless the process is dead.
"""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import cast

from made_jobs import made_output
from simulation import Crash, Environment, World
from sluice.accounting.demand import Fixed
from sluice.api.images_request import ImagesRequest
from sluice.catalog import Candidate, ModelRow
from sluice.pipeline.jobs.candidates import Maker
from sluice.pipeline.jobs.closing import Closer
from sluice.pipeline.jobs.media import Images
from sluice.pipeline.jobs.orders import Order, job_of
from sluice.pipeline.jobs.starting import put_job, started, written
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.jobs.sweep import Sweeper
from sluice.pipeline.recording import Slot
from sluice.stores.aws import UnansweredError
from sluice.stores.bucket import Blob, Bucket, output_key
from sluice.stores.job_records import Job
from sluice.stores.jobs import JobStore
from sluice.stores.key_records import KeyRecord
from sluice.stores.machines import Machines
from sluice.stores.outputs import OutputStore

NANO = Decimal("0.000000001")


@dataclass(slots=True)
class Site:
    """What all processes share beside the tables."""

    objects: dict[str, Blob] = field(default_factory=dict)
    holders: dict[str, set[str]] = field(default_factory=dict)
    executions: set[str] = field(default_factory=set)
    """Names of those that were started."""
    told: set[str] = field(default_factory=set)
    """Jobs whose webhook was started."""
    answers: bool = True
    """Whether Step Functions tells that it has started an execution."""


@dataclass(slots=True)
class SiteBucket(Bucket):
    """The bucket as one process has it."""

    environment: Environment
    site: Site
    name: str = "bucket"

    def _alive(self) -> None:
        if self.environment.dead:
            raise Crash

    async def put(self, key: str, blob: Blob) -> None:
        """See ``Bucket``."""
        self._alive()
        self.site.objects[key] = blob

    async def get(self, key: str, most_bytes: int) -> Blob | None:
        """See ``Bucket``."""
        self._alive()
        return self.site.objects.get(key)

    async def delete(self, key: str) -> None:
        """See ``Bucket``."""
        self._alive()
        self.site.objects.pop(key, None)

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """See ``Bucket``."""
        self._alive()
        for key in sorted(self.site.objects):
            if key.startswith(prefix):
                yield key


@dataclass(slots=True)
class SiteOutputs(OutputStore):
    """Files by their content, as one process has them."""

    environment: Environment
    site: Site

    async def store(self, job_id: str, digest: str, blob: Blob, expires_at: int) -> None:
        """See ``OutputStore``."""
        if self.environment.dead:
            raise Crash
        self.site.holders.setdefault(digest, set()).add(job_id)
        self.site.objects[output_key(digest)] = blob

    async def drop(self, job_id: str, digests: Sequence[str]) -> None:
        """See ``OutputStore``."""
        if self.environment.dead:
            raise Crash
        for digest in digests:
            holders = self.site.holders.get(digest, set())
            holders.discard(job_id)
            if not holders:
                self.site.objects.pop(output_key(digest), None)


@dataclass(slots=True)
class SiteMachines(Machines):
    """Executions, as one process starts them."""

    environment: Environment
    site: Site

    async def start(self, machine_arn: str, name: str, content: Mapping[str, str]) -> None:
        """See ``Machines``."""
        if self.environment.dead:
            raise Crash
        if machine_arn == "arn:webhooks":
            self.site.told.add(name)
            return
        self.site.executions.add(name)
        if not self.site.answers:
            raise UnansweredError("busy", retry_after=1)


class JobEnvironment(Environment):
    """A process that takes, makes and ends jobs."""

    def __init__(self, world: World, offset: float, site: Site) -> None:
        super().__init__(world, offset)
        self.site = site
        self.jobs = JobStore(self._aws(), "JobsTable")
        bucket = SiteBucket(self, site)
        self.closer = Closer(
            jobs=self.jobs,
            outputs=SiteOutputs(self, site),
            bucket=bucket,
            counters=self.counters,
            ledger=self.ledger,
            machines=SiteMachines(self, site),
            webhooks_machine="arn:webhooks",
            clock=self.clock,
            note=self.admitter.note,
        )
        self.sweeper = Sweeper(self.jobs, self.closer, self.clock)
        self.studio = cast(
            "Studio",
            SimpleNamespace(
                jobs=self.jobs,
                bucket=bucket,
                closer=self.closer,
                machines=self.closer.machines,
                gateway=SimpleNamespace(settler=self.settler, admitter=self.admitter),
                settings=SimpleNamespace(
                    machine_of=lambda kind: {"image": "arn:images"}[kind],
                    image_job_seconds=600,
                    image_timeout_seconds=120,
                    output_days=30,
                ),
            ),
        )

    async def take(self, key: KeyRecord, request_id: str, count: int, price: int) -> Job:
        """Take a job, from its admission to its start."""
        order = order_of(key, count, price, self.clock())
        request = await written(order)
        admission = await self.admitter.admit(key, Fixed(order.amount), request_id, order.medium.hold_seconds)
        job = job_of(self.studio, order, admission)
        await put_job(self.studio, order, job, request, admission)
        return await started(self.studio, order.medium, job, Slot())

    async def make(self, job_id: str, index: int, *, is_stored: bool) -> None:
        """Begin a job if it has not begun, and make one of its files."""
        job = await self.jobs.begin(job_id, int(self.clock() * 1000))
        index %= job.count
        output = made_output(f"{job_id}-{index}", stored=False)
        await self.jobs.note_output(job_id, index, output)
        await self.closer.outputs.store(job_id, output.digest, Blob(b"x", "image/png"), job.expires_at)
        if is_stored:
            await self.jobs.note_output(job_id, index, replace(output, stored=True))


def order_of(key: KeyRecord, count: int, price: int, now: float) -> Order[ImagesRequest]:
    """An order of so many pictures, at so many nano-USD each."""
    request = ImagesRequest(model="m", prompt="p", n=count, webhook_url="https://hooks.example.com/")
    candidate = Candidate(provider="near", model="m-1")
    maker = Maker(ModelRow(id="m", kind="image", candidates=(candidate,)), candidate, price * NANO)
    return Order(
        key=key,
        medium=Images(),
        request=request,
        model="m",
        makers=(maker,),
        request_hash="r",
        input_hash="i",
        amount=count * price,
        now=now,
        deadline=math.inf,
    )

"""Jobs whose calls are counted: functions as they are deployed over an engine's tables, machines by their definitions.

The bucket is in memory, and Step Functions is a driver that enters the states of the machines' own files. The provider
is the demo, whose videos take as long as a case says. A task's failure is none of what is counted here.
"""

import importlib.util
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.capacity import MeteredClient, Trace, traced
from tests.bench.gateways import LIMITS, Clock
from tests.bench.site import ROOT

from asgi_client import Client
from fake_dynamodb import aws_with
from key_records import key_record
from machine_driver import MachineDriver, definition
from made_settings import TABLES, StudioSettings
from memory_jobs import Interference, MemoryBucket
from sluice.asgi.application import Application
from sluice.asgi.cors import CrossOrigin
from sluice.catalog import load_catalog
from sluice.config import MediaSettings, TaskSettings
from sluice.keys import new_secret
from sluice.pipeline.address_limit import open_address_limiter
from sluice.pipeline.jobs.closing import Closer
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.jobs.workshop import Workshop
from sluice.request_ids import new_request_id
from sluice.stores.aws import AWS
from sluice.stores.keys import KeyStore
from sluice.stores.machines import Machines
from sluice.stores.outputs import OutputStore
from sluice.upstream.client import HTTPUpstream, tls_context
from sluice.worker import Worker

JOBS_TABLE = "JobsTable"
ADDRESS = "2001:db8::1"
CATALOG = """\
[providers.demo]
kind = "demo"

[[models]]
id = "picture"
kind = "image"
candidates = [{ provider = "demo", model = "demo-image" }]
price = { image = "0.04" }

[[models]]
id = "video"
kind = "video"
candidates = [{ provider = "demo", model = "demo-video" }]
price = { second = "0.1" }
"""


@dataclass(slots=True)
class Usage:
    """What a job has used.

    Attributes:
        trace: the calls of DynamoDB.
        requests: of clients.
        tasks: calls of the function that carries tasks out, by the tasks' names.
        objects: calls of S3, by the bucket's methods.
        transitions: of Step Functions: each state that was entered, and each repetition.
    """

    trace: Trace
    requests: int = 0
    tasks: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)
    transitions: int = 0


@dataclass(slots=True)
class StartedMachines(Machines):
    """Takes down what is started."""

    started: list[str] = field(default_factory=list)

    async def start(self, machine_arn: str, name: str, content: Mapping[str, str]) -> None:
        """See ``Machines``."""
        self.started.append(name)


class JobSite:
    """The functions that a job takes, one environment of each, and a key.

    Args:
        aws: the way to an engine's tables.
        clock: the time, which waits of the machines move on.
    """

    def __init__(self, aws: AWS, clock: Clock) -> None:
        self._aws, self._clock = aws, clock
        self._secret = new_secret("key")
        self._key = key_record(self._secret, id=f"key_{new_request_id(clock.now)}", **LIMITS)
        self._around = Interference()
        self._bucket = MemoryBucket(self._around)
        self._machines = StartedMachines()
        metered = aws_with(MeteredClient(aws.dynamodb))
        self._folder = TemporaryDirectory()
        catalog = Path(self._folder.name) / "catalog.toml"
        catalog.write_text(CATALOG, encoding="utf-8")
        named = TABLES | {
            "jobs_table": JOBS_TABLE,
            "jobs_bucket": "bucket",
            "images_machine": "arn:images",
            "videos_machine": "arn:videos",
            "webhooks_machine": "arn:webhooks",
            "catalog": catalog,
        }
        self._upstream = HTTPUpstream.open(tls=tls_context(), demo_token_seconds=0)
        self._outputs = OutputStore(metered, JOBS_TABLE, self._bucket)
        self._studio = self._studio_of(
            StudioSettings.model_validate(named | {"key_cache_seconds": 3600}), metered
        )
        self._workshop = self._workshop_of(TaskSettings.model_validate(named), metered)
        jobs = _module("jobs")
        self._worker = Worker(jobs.answer, open_parts=lambda: self._workshop, known=jobs.KNOWN)
        self._apps = {name: self._application(name) for name in ("images", "videos")}

    async def begin(self) -> None:
        """Put the key into its table."""
        await KeyStore(self._aws, TABLES["keys_table"]).put_new(self._key)

    async def close(self) -> None:
        """Give up the way to the providers, and the catalogue's file."""
        await self._upstream.close()
        self._folder.cleanup()

    async def job(self, function: str, path: str, body: bytes, looked_at: str, looks: int) -> Usage:
        """Have a job made, and looked at until it is over.

        Args:
            function: that takes it.
            path: where it takes it.
            body: what is asked for.
            looked_at: the path of the job, with its id to be filled in.
            looks: how often its client asks how it is; each time it is over already.
        """
        self._around.calls.clear()
        with traced() as trace:
            usage = Usage(trace)
            await self._ask(function, path, usage, body)
            await self._carried_out(function, self._machines.started[-1], usage)
            for _ in range(looks):
                await self._ask(function, looked_at.format(self._machines.started[-1]), usage)
        usage.objects = Counter(call.split()[0].removeprefix("bucket.") for call in self._around.calls)
        return usage

    async def _ask(self, function: str, path: str, usage: Usage, body: bytes = b"") -> None:
        usage.requests += 1
        headers = [(b"authorization", f"Bearer {self._secret}".encode())]
        client = Client(body)
        method = "POST" if body else "GET"
        await client.ask(self._apps[function], path, method, headers=headers, client=(ADDRESS, 1))
        assert client.status in (200, 202), client.body

    async def _carried_out(self, function: str, job_id: str, usage: Usage) -> None:
        async def invoke(event: dict[str, Any]) -> Any:
            usage.tasks[event["task"]] += 1
            return await self._worker.answer(event)

        def waits(seconds: float) -> None:
            self._clock.now += seconds

        execution = await MachineDriver(definition(function), invoke, waits).run({"job": job_id})
        assert execution.status == "SUCCEEDED", execution
        usage.transitions = len(execution.states) + execution.retries

    def _studio_of(self, settings: MediaSettings, metered: AWS) -> Studio:
        made = Studio.assemble(settings, load_catalog(settings.catalog), metered, self._upstream)
        return replace(
            made,
            bucket=self._bucket,
            outputs=self._outputs,
            machines=self._machines,
            closer=self._closer(made.closer),
        )

    def _workshop_of(self, settings: TaskSettings, metered: AWS) -> Workshop:
        made = Workshop.assemble(settings, metered, self._upstream, self._clock)
        return replace(
            made,
            bucket=self._bucket,
            outputs=self._outputs,
            machines=self._machines,
            closer=self._closer(made.closer),
        )

    def _closer(self, made: Closer) -> Closer:
        return replace(
            made, bucket=self._bucket, outputs=self._outputs, machines=self._machines, clock=self._clock
        )

    def _application(self, name: str) -> Application[Studio]:
        module = _module(name)
        return Application(
            {f"/v1/{path}": operation for path, operation in _operations(module, name).items()},
            name=name,
            open_parts=lambda: self._studio,
            open_limiter=lambda studio: open_address_limiter(studio.gateway.settings, studio.gateway.aws),
            cross_origin=lambda studio: CrossOrigin(studio.gateway.settings.cors_origins),
        )


def _operations(module: Any, name: str) -> Mapping[str, Any]:
    if name == "images":
        return {"images/generations": module.JOBS, "images/generations/{id}": module.JOB}
    return {path.removeprefix("/v1/"): operation for path, operation in module.PATHS.items()}


def _module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"bench_{name}", ROOT / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

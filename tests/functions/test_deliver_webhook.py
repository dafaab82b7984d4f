"""The function that delivers webhooks, called by its state machine as moto's interpreter runs it, to receivers on sockets.

The machine really waits here, for a second at a time.
"""

import asyncio
import importlib.util
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from certificates import Authority
from local_stack import ROOT, blueprint, botocore_client
from made_jobs import made_job
from receiver import Behaviour, Receiver, answering, hanging_up
from sluice.config import WebhookSettings
from sluice.local.aws_process import LocalAWS
from sluice.local.bridge import Bridge, Listener, bridged
from sluice.local.event_sources import ExecutionEnd
from sluice.local.http import address_of, reserved_port
from sluice.local.stack import Stack, create_stack
from sluice.pipeline.jobs.webhooks.deliver import Courier
from sluice.pipeline.jobs.webhooks.message import secret_for
from sluice.stores.bucket import Blob, request_key
from sluice.stores.deliveries import DeliveryLog
from sluice.stores.job_records import Job
from sluice.wire.standard_webhooks import verify
from sluice.worker import Worker
from webhook_world import KEY_DIGEST, made_request

MACHINE = "WebhooksMachine"
FUNCTION = "DeliverWebhookFunction"
SECRET = "made-up-for-this-run"
GUARD_SECONDS = 30


def function_module() -> Any:
    spec = importlib.util.spec_from_file_location(
        "deliver_webhook", ROOT / "functions" / "deliver_webhook" / "app.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Site:
    """A stack whose machine calls the function in this process, and is told of executions' ends."""

    stack: Stack
    machines: Any
    courier: Courier
    ends: dict[str, asyncio.Future[str]] = field(default_factory=dict)

    async def has(self, job: Job, address: str) -> None:
        """Bring a job to where its end is decided; ``end`` is what follows."""
        content = made_request(address).model_dump_json().encode()
        await self.courier.bucket.put(request_key(job.id), Blob(content, "application/json"))
        await self.courier.jobs.put_new(job)
        await self.courier.jobs.begin(job.id, int(time.time() * 1000))
        await self.courier.jobs.finish(job.id, 0, "demo", int(time.time() * 1000))

    async def end(self, job: Job) -> None:
        """From now on it can be seen to be over."""
        await self.courier.jobs.end(job.id, "completed")

    async def run(self, job_id: str) -> str:
        """Run the machine for a job; how it ended."""
        self.ends[job_id] = asyncio.get_running_loop().create_future()
        await asyncio.to_thread(
            self.machines.start_execution,
            stateMachineArn=self.stack.machines[MACHINE],
            name=job_id,
            input=json.dumps({"job": job_id}),
        )
        async with asyncio.timeout(GUARD_SECONDS):
            return await self.ends[job_id]

    async def log_of(self, job_id: str) -> DeliveryLog:
        """What the table has of its deliveries."""
        log = await self.courier.logs.get(job_id)
        assert log is not None
        return log

    async def ended(self, event: Any, _: object) -> None:
        self.ends[event["detail"]["name"]].set_result(event["detail"]["status"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def environment(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "SSL_CERT_FILE": str(authority.file),
        "SLUICE_WEBHOOK_DELAYS": "1,1",
        "WEBHOOK_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SLUICE_SECRETS_PREFIX", raising=False)
    return monkeypatch


@asynccontextmanager
async def running_site(environment: pytest.MonkeyPatch, hosts: str) -> AsyncIterator[Site]:
    with reserved_port(0) as listener, LocalAWS(address_of(listener)) as aws:
        stack = create_stack(aws.endpoint, blueprint().stack)
        environment.setenv("AWS_ENDPOINT_URL", aws.endpoint.url)
        environment.setenv("SLUICE_JOBS_TABLE", stack.tables["JobsTable"])
        environment.setenv("SLUICE_JOBS_BUCKET", stack.outputs["JobsBucketName"])
        environment.setenv("SLUICE_WEBHOOK_HOSTS", hosts)
        courier = Courier.open(WebhookSettings.from_environment())
        function = Worker(function_module().answer, open_parts=lambda: courier)
        site = Site(stack, botocore_client(aws.endpoint, "stepfunctions"), courier)
        end = ExecutionEnd(("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"), (MACHINE,))
        told = Listener("the test", Worker(site.ended, open_parts=object), end)
        async with bridged(Bridge({FUNCTION: function}, [told], stack.machines), listener):
            yield site


@dataclass(frozen=True)
class Case:
    """A receiver, and what comes of it."""

    what: str
    behaviours: tuple[Behaviour, ...]
    statuses: tuple[int | None, ...]
    outcome: str = "delivered"


CASES = (
    Case("it takes it at once", (answering(204),), (204,)),
    Case("it is broken, and then mended", (answering(500), answering(500), answering(200)), (500, 500, 200)),
    Case("it loses its answer", (hanging_up, answering(200)), (None, 200)),
    Case("it never takes it", (answering(500),), (500, 500, 500), "given_up"),
    Case("it is gone", (answering(410),), (410,), "given_up"),
    Case("it redirects", (answering(307, {"location": "https://127.0.0.1/"}),), (307,) * 3, "given_up"),
    Case("it asks for a second more", (answering(503, {"retry-after": "2"}), answering(200)), (503, 200)),
)


async def test_the_machine_calls_the_function_until_it_is_over(
    authority: Authority, environment: pytest.MonkeyPatch
) -> None:
    tls = authority.server("127.0.0.1")
    async with AsyncExitStack() as stack:
        receivers = [stack.enter_context(Receiver(*case.behaviours, tls=tls)) for case in CASES]
        hosts = ",".join(f"127.0.0.1:{receiver.port}" for receiver in receivers)
        site = await stack.enter_async_context(running_site(environment, hosts))
        jobs = [made_job(kind="image", has_webhook=True, expires_at=2**40) for _ in CASES]
        early = made_job(kind="video", has_webhook=True, expires_at=2**40)
        for job, receiver in zip(jobs, receivers, strict=True):
            await site.has(job, f"https://127.0.0.1:{receiver.port}/hook")
            await site.end(job)
        # Nobody is told of a job before it can be seen to be over; of one that is deleted, never.
        await site.has(early, f"https://127.0.0.1:{receivers[0].port}/early")
        waiting = asyncio.create_task(site.run(early.id))
        ends = await asyncio.gather(*(site.run(job.id) for job in jobs), site.run("video_deleted"))
        assert ends == ["SUCCEEDED"] * (len(jobs) + 1)
        assert not waiting.done()
        await site.end(early)
        assert await waiting == "SUCCEEDED"
        assert [received.path for received in receivers[0].received] == ["/hook", "/early"]

        secret = secret_for(SECRET, KEY_DIGEST)
        logs = [await site.log_of(job.id) for job in jobs]
        for case, job, receiver, log in zip(CASES, jobs, receivers, logs, strict=True):
            told = [received for received in receiver.received if received.path == "/hook"]
            statuses = tuple(attempt.status for attempt in log.attempts)
            assert (log.outcome, statuses, len(told)) == (case.outcome, case.statuses, len(statuses)), (
                case.what
            )
            assert {received.headers["webhook-id"] for received in told} == {job.id.replace("image", "evt")}
            for received in told:
                verify(received.headers, received.body, secret, float(received.headers["webhook-timestamp"]))

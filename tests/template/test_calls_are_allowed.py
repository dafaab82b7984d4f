"""Jobs from their beginning to their end: what each function calls of AWS, its policy allows, and little else."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from account import until
from local_stack import blueprint, botocore_client
from policies import ACCOUNT, Policies
from receiver import Receiver, answering
from recorded_calls import Recorder
from sluice.keys import new_secret
from sluice.local.aws_process import LocalAWS
from sluice.local.blueprint import Function
from sluice.local.bridge import Bridge, bridged, listeners
from sluice.local.environment import local_environment
from sluice.local.functions import load_app, load_handler
from sluice.local.http import address_of, reserved_port
from sluice.local.invocations import Handler
from sluice.local.stack import Stack, create_stack
from sluice.plans import CUSTOM
from sluice.stores.aws import AWS
from sluice.stores.key_records import KeyTerms, new_record
from sluice.stores.keys import KeyStore

FUNCTIONS = ("ImagesFunction", "VideosFunction", "JobsFunction", "EndJobsFunction", "DeliverWebhookFunction")

CATALOG = """
[providers.absent]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
credential = "ABSENT_KEY"

[providers.demo]
kind = "demo"

[[models]]
id = "image"
kind = "image"
candidates = [{ provider = "absent", model = "m" }, { provider = "demo", model = "demo-image" }]
price = { image = "0.01" }

[[models]]
id = "video"
kind = "video"
candidates = [{ provider = "demo", model = "demo-video" }]
price = { second = "0.01" }
seconds = [1]

[[models]]
id = "dear-image"
kind = "image"
candidates = [{ provider = "demo", model = "demo-image" }]
price = { image = "100" }

[[models]]
id = "dear-video"
kind = "video"
candidates = [{ provider = "demo", model = "demo-video" }]
price = { second = "100" }
seconds = [1]
"""

NO_CALL = "what S3 says of an object that is not there depends on it"
NO_CALLBACK = "no provider here calls back"
NO_BEDROCK = "Bedrock is a provider, and no service of the stores'"
IN_A_RACE = "where another process has decided what this one carries out, or a hold has expired"
UNKNOWN_MODEL = "where a model is not in the catalogue file"
BY_LAMBDA = "Lambda itself leaves there what failed"
LARGE = "for what jobs have none of: a reply that is kept in parts"

NOT_SEEN = {
    "ImagesFunction": {
        ("KeepRepliesToRepeat", "dynamodb:GetItem"): LARGE,
        ("Settle", "dynamodb:GetItem"): IN_A_RACE,
        ("Settle", "dynamodb:PutItem"): IN_A_RACE,
    },
    "VideosFunction": {
        ("EndWaits", "states:SendTaskSuccess"): NO_CALLBACK,
        ("KeepRepliesToRepeat", "dynamodb:GetItem"): LARGE,
        ("Settle", "dynamodb:GetItem"): IN_A_RACE,
        ("Settle", "dynamodb:PutItem"): IN_A_RACE,
    },
    "JobsFunction": {
        ("AskModelsOfBedrock", "bedrock:InvokeModel"): NO_BEDROCK,
        ("CarryOutJobs", "dynamodb:DeleteItem"): IN_A_RACE,
        ("EndWaits", "states:SendTaskSuccess"): NO_CALLBACK,
        ("FindModels", "dynamodb:Scan"): UNKNOWN_MODEL,
        ("LookAfterVideosOfBedrock", "bedrock:GetAsyncInvoke"): NO_BEDROCK,
        ("Settle", "dynamodb:GetItem"): IN_A_RACE,
    },
    "EndJobsFunction": {
        ("CountAndHold", "dynamodb:GetItem"): IN_A_RACE,
        ("DropFiles", "s3:DeleteObject"): IN_A_RACE,
        ("DropFiles", "s3:GetObject"): IN_A_RACE,
        ("EndJobs", "dynamodb:DeleteItem"): IN_A_RACE,
        ("EndJobsFunctionEventInvokeConfigOnFailureSQSPolicy", "sqs:SendMessage"): BY_LAMBDA,
        ("Settle", "dynamodb:GetItem"): IN_A_RACE,
        ("Settle", "dynamodb:PutItem"): IN_A_RACE,
    },
    "DeliverWebhookFunction": {("FindFiles", "s3:ListBucket"): NO_CALL},
}
"""What functions may do and do not here, and when they do."""


@dataclass(frozen=True, slots=True)
class Site:
    """The functions of jobs in this process, each with a way to AWS of its own that is watched.

    Attributes:
        images, videos: clients of the two functions that clients reach.
        handlers: the others.
        stack: what they work with.
        states: AWS's own client of Step Functions.
        hook: an address that takes webhooks.
    """

    images: httpx.AsyncClient
    videos: httpx.AsyncClient
    handlers: Mapping[str, Handler]
    stack: Stack
    states: Any
    hook: str

    async def stop(self, machine: str, job: str) -> None:
        """What an operator does."""
        arn = f"{self.stack.machines[machine].replace(':stateMachine:', ':execution:')}:{job}"
        await asyncio.to_thread(self.states.stop_execution, executionArn=arn)


async def ended(client: httpx.AsyncClient, path: str) -> Any:
    """A job when it is over."""
    return await found(client, path, lambda job: job["status"] in ("completed", "failed"))


async def found(client: httpx.AsyncClient, path: str, holds: Callable[[Any], bool]) -> Any:
    """What a path has, once something holds of it."""
    last: Any = None

    async def is_so() -> bool:
        nonlocal last
        last = (await client.get(path)).json()
        return holds(last)

    await until(is_so, path)
    return last


async def use_images(site: Site) -> None:
    """Pictures at once and twice, as a job, taken back, refused."""
    path = "/v1/images/generations"
    wanted = {"model": "image", "prompt": "a lighthouse", "n": 2}
    for _ in range(2):
        reply = await site.images.post(path, json=wanted, headers={"idempotency-key": "once"})
        assert reply.status_code == 200, reply.text
    as_a_job = wanted | {"async": True, "webhook_url": site.hook}
    job = (await site.images.post(path, json=as_a_job)).json()["id"]
    assert (await ended(site.images, f"{path}/{job}"))["status"] == "completed"
    await found(site.videos, f"/v1/jobs/{job}/deliveries", lambda log: log["state"] == "delivered")
    assert (await site.images.delete(f"{path}/{job}")).status_code == 200
    cancelled = (await site.images.post(path, json=as_a_job)).json()["id"]
    assert (await site.images.delete(f"{path}/{cancelled}")).status_code == 200
    await refusals(site.images, path)


async def use_videos(site: Site) -> None:
    """A video from its beginning to its end, one that is taken back, and one that an operator stops."""
    path = "/v1/videos"
    wanted = {"model": "video", "prompt": "a lighthouse", "seconds": "1", "webhook_url": site.hook}
    first = (await site.videos.post(path, json=wanted, headers={"idempotency-key": "film"})).json()["id"]
    assert (await ended(site.videos, f"{path}/{first}"))["status"] == "completed"
    assert (await site.videos.get(f"{path}/{first}/content")).status_code == 307
    assert len((await site.videos.get(path)).json()["data"]) == 1
    assert (await site.videos.get("/v1/webhooks/secret")).status_code == 200
    assert (await site.videos.delete(f"{path}/{first}")).status_code == 200
    second = (await site.videos.post(path, json=wanted)).json()["id"]
    assert (await site.videos.delete(f"{path}/{second}")).status_code == 200
    third = (await site.videos.post(path, json=wanted)).json()["id"]
    await site.stop("VideosMachine", third)
    assert (await ended(site.videos, f"{path}/{third}"))["status"] == "failed"
    await refusals(site.videos, path)


async def refusals(client: httpx.AsyncClient, path: str) -> None:
    """A model that there is not, and one that is too dear."""
    unknown = await client.post(path, json={"model": "unknown", "prompt": "x"})
    assert unknown.status_code == 404, unknown.text
    kind = "video" if path.endswith("videos") else "image"
    refused = await client.post(
        path, json={"model": f"dear-{kind}", "prompt": "x"}, headers={"idempotency-key": f"dear-{kind}"}
    )
    assert refused.status_code == 402, refused.text


@asynccontextmanager
async def functions_at_work(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> AsyncIterator[Site]:
    """The functions, with AWS's stand-in and machines that call them."""
    template = blueprint()
    with (
        Receiver(answering(204), tls=None) as receiver,
        reserved_port(0) as listener,
        LocalAWS(address_of(listener)) as local_aws,
        closing(AWS(local_aws.endpoint)) as aws,
        closing(botocore_client(local_aws.endpoint, "stepfunctions")) as states,
    ):
        endpoint = local_aws.endpoint
        stack = create_stack(endpoint, template.stack)
        for name in (*template.secrets, "ABSENT_KEY"):
            await aws.secretsmanager.call("CreateSecret", Name=f"{stack.name}/{name}", SecretString="x" * 64)
        (folder / "catalog.toml").write_text(CATALOG)
        settings = {
            "SLUICE_SECRETS_PREFIX": f"{stack.name}/",
            "SLUICE_CATALOG": str(folder / "catalog.toml"),
            "SLUICE_WEBHOOK_HOSTS": f"127.0.0.1:{receiver.port}",
            "SLUICE_IP_RPM": "10000",
        }
        environment = local_environment({}, template.functions, stack.outputs, endpoint) | settings
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        secret = new_secret("key")
        terms = KeyTerms(name="n", owner="o", plan=CUSTOM, budget_nano_usd=10**9, budget_period="lifetime")
        await KeyStore(aws, stack.outputs["KeysTableName"]).put_new(new_record(secret, terms, 1))

        clients, handlers = opened(recorder, template.functions, secret)
        told = listeners((each for each in template.functions if each.name in handlers), handlers)
        hook = f"http://127.0.0.1:{receiver.port}/hook"
        async with bridged(Bridge(handlers, told, stack.machines), listener):
            yield Site(clients["ImagesFunction"], clients["VideosFunction"], handlers, stack, states, hook)


def opened(
    recorder: Recorder, functions: Iterable[Function], secret: str
) -> tuple[dict[str, httpx.AsyncClient], dict[str, Handler]]:
    """Clients of those functions that clients reach, and the others."""
    clients, handlers = {}, {}
    for function in functions:
        if function.name not in FUNCTIONS:
            continue
        with recorder.of(function.name):
            if function.routes:
                app: Any = load_app(function)
                assert app.parts is not None
                clients[function.name] = httpx.AsyncClient(
                    transport=httpx.ASGITransport(app),
                    base_url="http://gateway",
                    headers={"authorization": f"Bearer {secret}"},
                )
            else:
                worker: Any = load_handler(function)
                worker._parts = worker._open_parts()
                handlers[function.name] = worker
    return clients, handlers


async def test_functions_may_do_what_they_do(
    translated: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(monkeypatch)
    async with functions_at_work(recorder, monkeypatch, tmp_path) as site:
        await use_images(site)
        await use_videos(site)
        sweeper: Any = site.handlers["EndJobsFunction"]
        await sweeper.answer({"detail-type": "Scheduled Event"})
        names = {
            "JobsBucket": site.stack.outputs["JobsBucketName"],
            "WebhookSecret": f"arn:aws:secretsmanager:{ACCOUNT}:secret:{site.stack.name}/WEBHOOK_SECRET-*",
        }
        policies = Policies(translated, site.stack, names)
    for name in FUNCTIONS:
        allowed = policies.of(name)
        needed = {(each.action, each.arn) for each in recorder.needed if each.function == name}
        assert needed
        forbidden = [each for each in sorted(needed) if not any(grant.covers(*each) for grant in allowed)]
        assert forbidden == [], name
        granted = {(grant.statement, grant.action) for grant in allowed}
        used = {
            (grant.statement, grant.action) for grant in allowed for each in needed if grant.covers(*each)
        }
        assert granted - used <= NOT_SEEN[name].keys(), name

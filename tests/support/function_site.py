"""All functions of the template in one process, each of which is known for what it reads and calls.

AWS's stand-in runs their state machines, and mocks are their providers.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_stack import blueprint, botocore_client
from machines import MACHINES, definition, states
from mock_bedrock import MockBedrock
from mock_ipfs import MockIPFS, mock_ipfs
from mock_provider import MockProvider
from needed_permissions import ACCOUNT, REGION
from option_values import KEY, KEY_BEFORE
from receiver import Receiver, answering
from recorded_calls import Recorder
from site_catalog import CREDENTIAL, CREDENTIAL_NAMES, catalog_of
from sluice.credentials import AWSCredentials
from sluice.keys import new_secret
from sluice.local.aws_process import LocalAWS
from sluice.local.blueprint import Blueprint, Function, Resolved
from sluice.local.bridge import Bridge, bridged, listeners
from sluice.local.functions import load_app, load_handler
from sluice.local.http import address_of, reserved_port
from sluice.local.invocations import Handler, invoke
from sluice.local.stack import Stack, create_stack
from sluice.plans import CUSTOM
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS
from sluice.stores.bucket import Blob, Bucket
from sluice.stores.counters import CounterStore
from sluice.stores.jobs import JobStore
from sluice.stores.key_records import KeyTerms, new_record
from sluice.stores.keys import KeyRecord, KeyStore
from sluice.stores.ledger import LedgerStore
from sluice.stores.models import ModelStore
from watching import Environments, WatchedApp, watched_handler

OF_LAMBDA = {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
}
"""Variables that Lambda itself sets and something here reads. The session's token is left out: nothing here asks."""

NOT_MADE_HERE = {"SLUICE_PUBLIC_URL": "https://api.example.com/live"}
"""What comes of resources that AWS's stand-in does not make."""

DEAR = 10**9
"""A budget, in nano-USD, that dear models exceed."""


@dataclass(frozen=True)
class Site:
    """The functions, and what a test reaches behind their backs.

    Attributes:
        clients: of the functions that clients reach, by their names in the template.
        handlers: the others.
        stack: what they work with.
        key: the clients' own.
        hook: an address that takes webhooks.
        states: AWS's own client of Step Functions.
        aws: a way to AWS that is nobody's.
        bedrock: the mock.
        recorder: takes down what they do.
    """

    clients: Mapping[str, httpx.AsyncClient]
    handlers: Mapping[str, Handler]
    stack: Stack
    key: KeyRecord
    hook: str
    states: Any
    aws: AWS
    bedrock: MockBedrock
    recorder: Recorder

    async def tell(self, function: str, event: Mapping[str, Any]) -> Any:
        """Have a function answer an event, as Lambda does; one that has a loop of its own is in a thread."""
        handler = self.handlers[function]
        if hasattr(handler, "answer"):
            return await invoke(handler, event)
        return await asyncio.to_thread(handler, event, None)

    @property
    def jobs(self) -> JobStore:
        """The jobs as they are."""
        return JobStore(self.aws, self.stack.tables["JobsTable"])

    @property
    def bucket(self) -> Bucket:
        """Their files."""
        return Bucket(self.aws, self.stack.outputs["JobsBucketName"])

    @property
    def counters(self) -> CounterStore:
        """The keys' counters."""
        return CounterStore(self.aws, self.stack.tables["CountersTable"])

    @property
    def ledger(self) -> LedgerStore:
        """The settled requests."""
        return LedgerStore(self.aws, self.stack.tables["LedgerTable"])

    @property
    def models(self) -> ModelStore:
        """The models table."""
        return ModelStore(self.aws, self.stack.tables["ModelsTable"])

    async def stop(self, machine: str, job: str) -> None:
        """What an operator does."""
        arn = f"{self.stack.machines[machine].replace(':stateMachine:', ':execution:')}:{job}"
        await asyncio.to_thread(self.states.stop_execution, executionArn=arn)


@asynccontextmanager
async def functions_at_work(monkeypatch: pytest.MonkeyPatch, folder: Path) -> AsyncIterator[Site]:
    """The functions, with everything that they need."""
    template = blueprint()
    with (
        _mocks() as (receiver, provider, bedrock, ipfs),
        reserved_port(0) as listener,
        LocalAWS(address_of(listener)) as local_aws,
        closing(AWS(local_aws.endpoint)) as aws,
        closing(botocore_client(local_aws.endpoint, "stepfunctions")) as states_client,
    ):
        stack = create_stack(local_aws.endpoint, template.stack)
        catalog = folder / "catalog.toml"
        catalog.write_text(catalog_of(provider.url, bedrock.url))
        given = {
            "SLUICE_CATALOG": str(catalog),
            "SLUICE_WEBHOOK_HOSTS": f"127.0.0.1:{receiver.port}",
            "SLUICE_IP_RPM": "10000",
            "SLUICE_POLL_SECONDS": "0.2",
            "SLUICE_IMAGE_TIMEOUT_SECONDS": "30",
            "SLUICE_IPFS_API": ipfs.url,
            "SLUICE_IPFS_CREDENTIAL": "GOOD_KEY",
        }
        own = dict(_environments(template, stack, local_aws.endpoint, given))
        waiting = stack.machines[_waiting_machine()]
        partitions = dict(_partitions(template, stack))
        recorder = Recorder(monkeypatch, Environments(own, {}), waiting, partitions)
        for name in (*template.secrets, *CREDENTIAL_NAMES):
            await aws.secretsmanager.call(
                "CreateSecret", Name=f"{stack.name}/{name}", SecretString=CREDENTIAL
            )
        secret, key = await _new_key(aws, stack)
        bucket = Bucket(aws, stack.outputs["JobsBucketName"])
        bedrock.deliver = _delivering(bucket, asyncio.get_running_loop())
        clients, handlers = _opened(template.functions, secret)
        told = listeners(template.functions, handlers)
        async with bridged(Bridge(handlers, told, stack.machines), listener):
            hook = f"http://127.0.0.1:{receiver.port}/hook"
            yield Site(clients, handlers, stack, key, hook, states_client, aws, bedrock, recorder)
        await recorder.close()


@contextmanager
def _mocks() -> Iterator[tuple[Receiver, MockProvider, MockBedrock, MockIPFS]]:
    role = AWSCredentials(OF_LAMBDA["AWS_ACCESS_KEY_ID"], OF_LAMBDA["AWS_SECRET_ACCESS_KEY"], None, REGION)
    with (
        Receiver(answering(500), answering(204), tls=None) as receiver,
        MockProvider(CREDENTIAL) as provider,
        MockBedrock(role=role) as bedrock,
        mock_ipfs() as ipfs,
    ):
        ipfs.authorization = f"Bearer {CREDENTIAL}"
        yield receiver, provider, bedrock, ipfs


def _environments(
    template: Blueprint, stack: Stack, endpoint: Endpoint, given: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """What each function may read: Lambda's variables, and whatever the template sets for any.

    One that reads what is not set for it goes on here, so that the proofs can say so by its name. ``given`` stands in the
    place of parameters' defaults.
    """
    anybodys: dict[str, str] = {}
    for function in template.functions:
        for name, value in function.variables.items():
            anybodys[name] = stack.outputs[value.output] if isinstance(value, Resolved) else value
    shared = {
        **OF_LAMBDA,
        "AWS_ENDPOINT_URL": endpoint.url,
        **NOT_MADE_HERE,
        **dict(_by_resources(stack)),
        **anybodys,
        **given,
    }
    for function in template.functions:
        yield function.name, shared


def _by_resources(stack: Stack) -> Iterator[tuple[str, str]]:
    """Variables that name what was made, should nobody set them."""
    made = {**stack.tables, **stack.machines, "JobsBucket": stack.outputs["JobsBucketName"]}
    for name, called in made.items():
        yield f"SLUICE_{re.sub(r'(?<=[a-z])(?=[A-Z])', '_', name).upper()}", called


def _partitions(template: Blueprint, stack: Stack) -> Iterator[tuple[str, str]]:
    """The names of tables' partition keys, by what the tables are called."""
    for name, called in stack.tables.items():
        schema = template.stack["Resources"][name]["Properties"]["KeySchema"]
        (partition,) = [each["AttributeName"] for each in schema if each["KeyType"] == "HASH"]
        yield called, partition


def _waiting_machine() -> str:
    """The only machine that has a state which waits for a call."""
    (name,) = [
        machine
        for machine in MACHINES
        if any(
            str(state.get("Resource", "")).endswith(".waitForTaskToken")
            for state in states(definition(machine)).values()
        )
    ]
    return name


async def _new_key(aws: AWS, stack: Stack) -> tuple[str, KeyRecord]:
    secret = new_secret("key")
    terms = KeyTerms(name="n", owner="ann", plan=CUSTOM, budget_nano_usd=DEAR, budget_period="lifetime")
    record = new_record(secret, terms, int(time.time()))
    await KeyStore(aws, stack.tables["KeysTable"]).put_new(record)
    return secret, record


def _delivering(bucket: Bucket, loop: asyncio.AbstractEventLoop) -> Any:
    """Puts what Bedrock has made where it is to be; the mock asks on a thread of its own."""

    def deliver(name: str, key: str, content: bytes) -> None:
        assert name == bucket.name
        asyncio.run_coroutine_threadsafe(bucket.put(key, Blob(content, "video/mp4")), loop).result(20)

    return deliver


def _opened(
    functions: tuple[Function, ...], secret: str
) -> tuple[dict[str, httpx.AsyncClient], dict[str, Handler]]:
    """Clients of the functions that clients reach, and the others."""
    clients, handlers = {}, {}
    for function in functions:
        if function.routes:
            app: Any = WatchedApp(function.name, load_app(function))
            clients[function.name] = httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://gateway",
                headers={"authorization": f"Bearer {secret}"},
                timeout=60,
            )
        else:
            handlers[function.name] = watched_handler(function.name, load_handler(function))
    return clients, handlers


def resource_names(stack: Stack) -> dict[str, str]:
    """What a stack's resources are called, by their names in the template, as CloudFormation's ``Ref`` gives them."""
    made = {**stack.tables, **stack.machines, "JobsBucket": stack.outputs["JobsBucketName"]}
    return PARAMETERS | made | {"AWS::StackName": stack.name}


def resource_names_of(translated: Mapping[str, Any]) -> dict[str, str]:
    """The same where nothing was made: each resource has the name that it has in the template."""
    return PARAMETERS | {name: name for name in translated["Resources"]}


PARAMETERS = {
    "AWS::StackName": "sluice",
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
    "KmsKeyArn": KEY,
    "PreviousKmsKeyArn": KEY_BEFORE,
}
"""Those that a policy may speak of, and what they say there; AWS's own among them."""

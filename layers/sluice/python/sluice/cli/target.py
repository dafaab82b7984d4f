"""Finds the stack that a command is about: the one of the development server, or a deployed one."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from sluice.config import CatalogSettings, ClosingSettings, ConfigurationError, SecretsSettings, aws_variables
from sluice.errors import OverloadedError
from sluice.local.state import NoServerError, read_state, start_command
from sluice.observability import log_aside
from sluice.pipeline.jobs.closing import Closer
from sluice.stores.aws import AWS
from sluice.stores.counters import CounterStore
from sluice.stores.credentials import CredentialStore
from sluice.stores.deliveries import DeliveryStore
from sluice.stores.job_records import JobKind
from sluice.stores.jobs import JobStore
from sluice.stores.keys import KeyStore
from sluice.stores.ledger import LedgerStore
from sluice.stores.merging import Merger, Restorable
from sluice.stores.models import ModelStore
from sluice.stores.stacks import NoStackError, outputs_of
from sluice.stores.usage import UsageStore

CLOUDFORMATION = "CLOUDFORMATION"
DYNAMODB = "DYNAMODB"
MACHINES: Mapping[JobKind, str] = {"image": "ImagesMachineArn", "video": "VideosMachineArn"}
"""The outputs that name the state machines of jobs."""
TABLES: Mapping[Restorable, str] = {"keys": "KeysTableName", "ledger": "LedgerTableName"}
"""The outputs that name the tables of what can be brought back."""
SERVICES = (CLOUDFORMATION, DYNAMODB, "S3", "SECRETS_MANAGER", "SFN")
"""What is asked, by the names in AWS's variables."""

Local = Annotated[bool, typer.Option("--local", help="The gateway of the running development server.")]
Stack = Annotated[str | None, typer.Option(metavar="NAME", help="The gateway of a deployed stack.")]
State = Annotated[Path, typer.Option(metavar="DIR", help="Where the development server keeps its state.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


class NoAnswerError(Exception):
    """AWS, or what stands in for it, cannot be reached or throttles."""


@dataclass(frozen=True, slots=True)
class Target:
    """Either the development server, by the folder of its state, or a stack on AWS, by its name."""

    stack: str | None
    state: Path

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Stores"]:
        """The stores of the stack; what goes wrong with them is told here.

        Raises:
            NoServerError: no development server runs.
            NoStackError: no such stack, or it lacks a table that was asked for.
            NoAnswerError: AWS cannot be reached, now or in the course of the work.
            ConfigurationError: the environment names an endpoint that is none.
        """
        log_aside()
        if self.stack is None:
            server = read_state(self.state)
            stack, endpoint = server.stack, server.endpoint
            catalog = None if server.catalog is None else Path(server.catalog)
        else:
            stack, endpoint = self.stack, None
            catalog = CatalogSettings.from_environment().catalog
            _prepare_environment()
        asked = CLOUDFORMATION
        try:
            outputs = outputs_of(stack, endpoint)
            asked = DYNAMODB
            with closing(AWS(endpoint)) as aws:
                yield Stores(aws, stack, outputs, catalog)
        except OverloadedError as error:
            raise self._unanswered(asked) from error

    def _unanswered(self, service: str) -> Exception:
        if self.stack is None:
            return NoServerError(
                f"the development server whose state is in {self.state} does not answer: "
                f"start it with {start_command(self.state)}"
            )
        variables = aws_variables(service)
        if variables.endpoint_url is None:
            where = f" in {variables.region}" if variables.region else ""
            return NoAnswerError(
                f"AWS{where} does not answer or throttles: check the region and the network, and try again"
            )
        return NoAnswerError(
            f"{variables.endpoint_url}, which the environment names as AWS's endpoint, does not answer"
        )


class Stores:
    """The stores of a stack, whose outputs name their tables."""

    def __init__(self, aws: AWS, stack: str, outputs: Mapping[str, str], catalog: Path | None) -> None:
        self.catalog = catalog
        """The catalogue file; None is the shipped one. Of a deployed stack it is the one that this command has."""
        self._aws = aws
        self._stack = stack
        self._outputs = outputs

    @property
    def keys(self) -> KeyStore:
        """The keys."""
        return KeyStore(self._aws, self._output("KeysTableName"))

    @property
    def counters(self) -> CounterStore:
        """What keys have used of their limits."""
        return CounterStore(self._aws, self._output("CountersTableName"))

    @property
    def ledger(self) -> LedgerStore:
        """The settled requests."""
        return LedgerStore(self._aws, self._output("LedgerTableName"))

    def merger(self, kind: Restorable) -> Merger:
        """Brings back what a table has lost."""
        return Merger(self._aws, kind, self._output(TABLES[kind]))

    @property
    def usage(self) -> UsageStore:
        """What they add up to."""
        return UsageStore(self._aws, self._output("UsageTableName"), self._output("LedgerTableName"))

    @property
    def models(self) -> ModelStore:
        """Models beside the catalogue file's."""
        return ModelStore(self._aws, self._output("ModelsTableName"))

    @property
    def jobs(self) -> JobStore:
        """Images and videos in the making."""
        return JobStore(self._aws, self._output("JobsTableName"))

    @property
    def deliveries(self) -> DeliveryStore:
        """What became of the messages about them."""
        return DeliveryStore(self._aws, self._output("JobsTableName"))

    @property
    def closer(self) -> Closer:
        """Ends them."""
        settings = ClosingSettings(
            counters_table=self._output("CountersTableName"),
            ledger_table=self._output("LedgerTableName"),
            jobs_table=self._output("JobsTableName"),
            jobs_bucket=self._output("JobsBucketName"),
            webhooks_machine=self._output("WebhooksMachineArn"),
        )
        return Closer.assemble(settings, self._aws)

    def machine(self, kind: JobKind) -> str:
        """The ARN of the state machine that carries out jobs of a kind."""
        return self._output(MACHINES[kind])

    @property
    def credentials(self) -> CredentialStore:
        """The stack's secrets; those of providers are another's where the development server is asked."""
        return CredentialStore(SecretsSettings(secrets_prefix=f"{self._stack}/"), self._aws)

    def _output(self, output: str) -> str:
        found = self._outputs.get(output)
        if found is None:
            raise NoStackError(f"the stack {self._stack} has no output {output}: is it Sluice?")
        return found


def target_of(*, local: bool, stack: str | None, state: Path) -> Target:
    """The target that a command's options name.

    Raises:
        typer.BadParameter: they name none, or two.
    """
    if local == (stack is not None):
        raise typer.BadParameter("say which gateway: either --local or --stack NAME")
    return Target(stack, state)


def _prepare_environment() -> None:
    """See that every client reads the environment alike: botocore knows AWS_DEFAULT_REGION only, not AWS_REGION."""
    for service in SERVICES:
        variables = aws_variables(service)
        if variables.region:
            os.environ["AWS_DEFAULT_REGION"] = variables.region
        if variables.endpoint_url and not variables.endpoint_url.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"AWS's endpoint in the environment, {variables.endpoint_url!r}, is not an http address"
            )

"""Finds the stack that a command is about: the one of the development server, or a deployed one."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sluice.config import ConfigurationError, aws_variables
from sluice.errors import OverloadedError
from sluice.local.state import NoServerError, read_state, start_command
from sluice.stores.aws import AWS
from sluice.stores.keys import KeyStore
from sluice.stores.stacks import output_of

KEYS_TABLE = "KeysTableName"
SERVICES = ("CLOUDFORMATION", "DYNAMODB")
"""What is asked, in this order, by the names in AWS's variables."""


class NoAnswerError(Exception):
    """AWS, or what stands in for it, cannot be reached or throttles."""


@dataclass(frozen=True, slots=True)
class Target:
    """Either the development server, by the folder of its state, or a stack on AWS, by its name."""

    stack: str | None
    state: Path

    @asynccontextmanager
    async def keys(self) -> AsyncIterator[KeyStore]:
        """The keys of the stack; what goes wrong with them is told here.

        Raises:
            NoServerError: no development server runs.
            NoStackError: no such stack, or it has no table of keys.
            NoAnswerError: AWS cannot be reached, now or in the course of the work.
            ConfigurationError: the environment names an endpoint that is none.
        """
        if self.stack is None:
            server = read_state(self.state)
            stack, endpoint = server.stack, server.endpoint
        else:
            stack, endpoint = self.stack, None
            _prepare_environment()
        aws = AWS(endpoint)
        asked, then_asked = SERVICES
        try:
            table = output_of(stack, KEYS_TABLE, endpoint)
            asked = then_asked
            yield KeyStore(aws, table)
        except OverloadedError as error:
            raise self._unanswered(asked) from error
        finally:
            aws.close()

    def _unanswered(self, service: str) -> Exception:
        if self.stack is None:
            return NoServerError(
                f"the development server whose state is in {self.state} does not answer: "
                f"start it with {start_command(self.state)}"
            )
        override = aws_variables(service).endpoint_url
        if override is None:
            return NoAnswerError("AWS does not answer or throttles; try again")
        return NoAnswerError(f"{override}, which the environment names as AWS's endpoint, does not answer")


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

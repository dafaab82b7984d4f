"""Finds the stack that a command is about: the one of the development server, or a deployed one."""

from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from sluice.errors import OverloadedError
from sluice.local.state import NoServerError, read_state
from sluice.stores.aws import AWS, error_code
from sluice.stores.keys import KeyStore

KEYS_TABLE = "KeysTableName"
NO_SUCH_STACK = "ValidationError"


class NoStackError(Exception):
    """There is no stack of that name, or it is not one of ours."""


@dataclass(frozen=True, slots=True)
class Target:
    """Either the development server, by the folder of its state, or a stack on AWS, by its name."""

    stack: str | None
    state: Path

    async def keys(self) -> KeyStore:
        """The keys of the stack.

        Raises:
            NoServerError: no development server runs.
            NoStackError: no such stack, or it has no table of keys.
            OverloadedError: AWS cannot be reached.
        """
        if self.stack is not None:
            aws = AWS()
            return KeyStore(aws, await _output(aws, self.stack, KEYS_TABLE))
        server = read_state(self.state)
        aws = AWS(server.endpoint)
        try:
            return KeyStore(aws, await _output(aws, server.stack, KEYS_TABLE))
        except OverloadedError as error:
            raise NoServerError(
                f"the development server whose state is in {self.state} does not answer: start it with sluice dev"
            ) from error


async def _output(aws: AWS, stack: str, name: str) -> str:
    try:
        reply = await aws.run(aws.cloudformation.describe_stacks, StackName=stack)
    except ClientError as error:
        if error_code(error) == NO_SUCH_STACK:
            raise NoStackError(f"there is no stack {stack} in this account and region") from error
        raise
    for output in reply["Stacks"][0].get("Outputs", []):
        if output.get("OutputKey") == name:
            return output.get("OutputValue", "")
    raise NoStackError(f"the stack {stack} has no output {name}: is it Sluice?")

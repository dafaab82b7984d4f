"""Finds the stack that a command is about: the one of the development server, or a deployed one."""

from dataclasses import dataclass
from pathlib import Path

from sluice.errors import OverloadedError
from sluice.local.state import NoServerError, read_state
from sluice.stores.aws import AWS
from sluice.stores.keys import KeyStore
from sluice.stores.stacks import output_of

KEYS_TABLE = "KeysTableName"


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
            return KeyStore(AWS(), output_of(self.stack, KEYS_TABLE))
        server = read_state(self.state)
        try:
            return KeyStore(AWS(server.endpoint), output_of(server.stack, KEYS_TABLE, server.endpoint))
        except OverloadedError as error:
            raise NoServerError(
                f"the development server whose state is in {self.state} does not answer: start it with sluice dev"
            ) from error

"""What a running development server leaves in a file for the command: where it is, and where its AWS is."""

import fcntl
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sluice.local.errors import LocalError
from sluice.stores.access import Endpoint

DIRECTORY = Path(".sluice")
FILE = "dev.json"
VARIABLES_FILE = "sam-local.json"
"""What functions in the containers of ``sam local`` are given; samconfig.toml names it."""

ANOTHER = "; sluice dev --state DIR runs another"


class NoServerError(LocalError):
    """No development server left its state here."""


class ServerRunningError(LocalError):
    """A development server is alive and holds this state."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """A running server. Nothing in it is secret."""

    url: str
    aws_endpoint: str
    region: str
    pid: int
    stack: str
    tables: Mapping[str, str]
    catalog: str | None = None
    """The catalogue file that it was started with; None is the shipped one."""

    @property
    def endpoint(self) -> Endpoint:
        """Its stand-in for AWS."""
        return Endpoint(self.aws_endpoint, self.region)


def start_command(directory: Path) -> str:
    """What starts a server that uses ``directory``, for a person to type."""
    return "make dev" if directory == DIRECTORY else f"sluice dev --state {shlex.quote(str(directory))}"


def read_state(directory: Path) -> ServerState:
    """What the server that uses ``directory`` left.

    Raises:
        NoServerError: there is nothing, or nothing that can be read.
    """
    try:
        return ServerState(**json.loads((directory / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise NoServerError(
            f"no development server has its state in {directory}: start one with {start_command(directory)}"
        ) from error


def write_state(directory: Path, state: ServerState) -> None:
    """Leave the state."""
    _write(directory / FILE, asdict(state))


def write_variables(directory: Path, variables: Mapping[str, Mapping[str, str]]) -> None:
    """Leave each function's variables, by the functions' names (``local.sam_local``)."""
    _write(directory / VARIABLES_FILE, variables)


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold a state directory for one server, and leave no state at the end.

    The hold is a lock on the directory itself, which the system drops with the process: a server that was
    killed stands in nobody's way.

    Raises:
        ServerRunningError: another server holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServerRunningError(_running(directory)) from error
        try:
            yield
        finally:
            for name in (FILE, VARIABLES_FILE):
                (directory / name).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _write(file: Path, content: object) -> None:
    """Write all of a file at once: a reader never sees half of it."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(file)


def _running(directory: Path) -> str:
    try:
        state = read_state(directory)
    except NoServerError:
        return f"another development server is starting with its state in {directory}{ANOTHER}"
    return f"a development server is running already at {state.url} (process {state.pid}){ANOTHER}"

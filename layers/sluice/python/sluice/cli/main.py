"""The command ``sluice``: the development server, and the operator's work on a gateway.

Exit codes: 0 done, 1 it could not be done, 2 it was not said right.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from sluice.cli import keys
from sluice.config import ConfigurationError
from sluice.errors import OverloadedError
from sluice.local.errors import LocalError
from sluice.local.state import DIRECTORY
from sluice.stores.aws import AWSError
from sluice.stores.keys import KeyNotFoundError, KeyNotRotatableError
from sluice.stores.stacks import NoStackError

DEFAULT_PORT = 3000

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Sluice, an OpenAI-compatible AI gateway.",
)
app.add_typer(keys.app, name="keys")


@app.command()
def dev(
    port: Annotated[
        int, typer.Option(envvar="PORT", min=0, max=65_535, help="0 takes a free one.")
    ] = DEFAULT_PORT,
    state: Annotated[Path, typer.Option(metavar="DIR", help="Takes the server's state.")] = DIRECTORY,
) -> None:
    """Serve the gateway on this machine, with a stand-in for AWS, until Ctrl-C."""
    from sluice.local import server  # what it needs is heavy, and for this command alone

    server.run(port, state)


def main() -> None:
    """Run the command line; an expected fault is one line, not a traceback."""
    try:
        app()
    except KeyNotFoundError as error:
        _fail(f"there is no key {error}")
    except (KeyNotRotatableError, LocalError, NoStackError, ConfigurationError) as error:
        _fail(str(error))
    except OverloadedError:
        _fail("AWS does not answer or throttles; try again")
    except (AWSError, ClientError, BotoCoreError) as error:
        _fail(f"AWS refused: {error}")


def _fail(message: str) -> None:
    sys.stderr.write(f"sluice: {message}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()

"""The command ``sluice``: the development server, and the operator's work on a gateway.

Exit codes: 0 done, 1 it could not be done, 2 it was not said right.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from sluice.cli import jobs, keys, ledger, models, options, usage
from sluice.cli.reconcile import reconcile
from sluice.cli.rendering import say
from sluice.cli.restore import restore
from sluice.cli.target import NoAnswerError
from sluice.config import ConfigurationError
from sluice.errors import masked
from sluice.local.aws_process import LOOPBACK
from sluice.local.errors import LocalError
from sluice.local.state import DIRECTORY
from sluice.stores.aws import AWSError
from sluice.stores.keys import KeyNotFoundError, KeyNotRotatableError, MalformedItemError
from sluice.stores.ledger_rows import MalformedRowError
from sluice.stores.stacks import NoStackError

DEFAULT_PORT = 3000

EXPECTED = (
    ConfigurationError,
    KeyNotRotatableError,
    LocalError,
    MalformedItemError,
    MalformedRowError,
    NoAnswerError,
    NoStackError,
    jobs.JobNotFoundError,
    keys.NoWebhooksError,
    keys.UnknownSecretError,
    ledger.NoRowError,
    models.UnknownModelError,
)
"""Faults whose message says all that an operator needs."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Sluice, an OpenAI-compatible AI gateway.",
)
app.add_typer(keys.app, name="keys")
app.add_typer(jobs.app, name="jobs")
app.add_typer(ledger.app, name="ledger")
app.add_typer(models.app, name="models")


@app.command(short_help="Serve the gateway on this machine until Ctrl-C.")
def dev(
    port: Annotated[
        int,
        typer.Option(parser=options.port, metavar="N", envvar="PORT", help="A port; 0 takes a free one."),
    ] = DEFAULT_PORT,
    state: Annotated[Path, typer.Option(metavar="DIR", help="Takes the server's state.")] = DIRECTORY,
    aws_host: Annotated[
        str,
        typer.Option(
            parser=options.address,
            metavar="ADDRESS",
            help="Where the stand-in for AWS listens; for sam local, where containers reach this machine.",
        ),
    ] = LOOPBACK,
) -> None:
    """Serve the gateway on this machine, with a stand-in for AWS, until Ctrl-C."""
    from sluice.local import server  # what it needs is heavy, and for this command alone

    server.run(port, state, aws_host=aws_host)


app.add_typer(usage.app, name="usage", short_help="Show requests, tokens and costs.")
app.command(short_help="Prove counters by the ledger, and repair them.")(reconcile)
app.command(short_help="Bring back keys or ledger rows from a restored table.")(restore)


def main() -> None:
    """Run the command line; an expected fault is one line, not a traceback."""
    try:
        app()
    except KeyNotFoundError as error:
        _fail(f"there is no key {masked(str(error))}")
    except EXPECTED as error:
        _fail(str(error))
    except NoRegionError:
        _fail("no AWS region is set: set AWS_REGION or run aws configure")
    except NoCredentialsError:
        _fail(
            "no AWS credentials are set: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or run aws configure"
        )
    except (AWSError, ClientError) as error:
        _fail(f"AWS refused: {error}")
    except BotoCoreError as error:
        _fail(f"AWS could not be asked: {error}")


def _fail(message: str) -> None:
    say(f"sluice: {message}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()

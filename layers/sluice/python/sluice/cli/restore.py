"""sluice restore: bring back what a table has lost."""

import asyncio
from typing import Annotated

import typer

from sluice.cli.rendering import as_json
from sluice.cli.target import JSON, Local, Stack, State, target_of
from sluice.local.state import DIRECTORY
from sluice.stores.merging import Merged, Restorable


def restore(
    copy: Annotated[str, typer.Argument(metavar="TABLE", help="A restored copy of the table.")],
    into: Annotated[Restorable, typer.Option(help="What the copy holds.")],
    key: Annotated[str | None, typer.Option(metavar="ID", help="Only what is this key's.")] = None,
    recount: Annotated[
        bool,
        typer.Option(
            "--recount", help="Have ledger rows added up as usage anew, in a stack that has not done so."
        ),
    ] = False,
    local: Local = False,
    stack: Stack = None,
    state: State = DIRECTORY,
    json: JSON = False,
) -> None:
    """Write what the gateway's keys or ledger lack and a restored copy of the table has.

    What is there stays as it is, so that it can be repeated. Run sluice reconcile --repair after it.
    """
    if recount and into != "ledger":
        raise typer.BadParameter("only the ledger is added up", param_hint="'--recount'")

    async def write() -> Merged:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            return await stores.merger(into).merge(copy, key, recount=recount)

    merged = asyncio.run(write())
    if json:
        typer.echo(as_json({"read": merged.read, "written": merged.written}))
    else:
        typer.echo(f"read: {merged.read:,}; were missing and are written: {merged.written:,}")

"""sluice ledger: what a key has been charged, request by request."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from sluice.cli.ledger_rendering import HEADING, Sum, row_line, row_object, row_text, sum_line
from sluice.cli.rendering import as_json
from sluice.cli.target import JSON, Local, Stack, State, Stores, target_of
from sluice.cli.usage import day
from sluice.errors import masked
from sluice.local.state import DIRECTORY
from sluice.request_ids import LEAD
from sluice.stores.job_records import LEADS
from sluice.stores.keys import KeyNotFoundError
from sluice.stores.ledger import LedgerStore
from sluice.stores.ledger_rows import LedgerRow

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Show what keys have been charged.")


EPOCH = date(1970, 1, 1)


class NoRowError(Exception):
    """A request of a key is not in the ledger: it was refused, has failed, is not settled yet, or is another key's."""


@app.callback()
def group() -> None:
    """Show what keys have been charged."""


@app.command(name="list")
def list_rows(
    key: Annotated[str, typer.Option(metavar="ID", help="The key's id, key_…")],
    request: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this request, by its x-request-id or its job's id.")
    ] = None,
    since: Annotated[
        date | None,
        typer.Option(parser=day, metavar="DAY", help="The first day on which requests came in, UTC."),
    ] = None,
    until: Annotated[date | None, typer.Option(parser=day, metavar="DAY", help="The last day.")] = None,
    local: Local = False,
    stack: Stack = None,
    state: State = DIRECTORY,
    json: JSON = False,
) -> None:
    """List the settled requests of a key, oldest first, as they are read. With --json each is a line of its own."""
    if request is not None and (since is not None or until is not None):
        raise typer.BadParameter("a request has a day already", param_hint="'--request'")
    if since is not None and until is not None and since > until:
        raise typer.BadParameter("the last day comes before the first", param_hint="'--until'")

    async def read() -> None:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            if request is not None:
                row = await _row(stores.ledger, key, request)
                typer.echo(as_json(row_object(row)) if json else row_text(row))
                return
            total = await print_rows(_rows(stores.ledger, key, since, until), json=json)
            if not total.requests and not await _is_known(stores, key):
                raise KeyNotFoundError(key)
        if not json:
            typer.echo(sum_line(total) if total.requests else "Nothing is settled.")

    asyncio.run(read())


async def print_rows(rows: AsyncIterator[LedgerRow], *, json: bool) -> Sum:
    """Print rows as they come, for a key may have millions; what they add up to."""
    total = Sum()
    async for row in rows:
        if not json and not total.requests:
            typer.echo(HEADING)
        total += row
        typer.echo(as_json(row_object(row)) if json else row_line(row))
    return total


async def _is_known(stores: Stores, key_id: str) -> bool:
    """Whether there is such a key, or was: the ledger outlives the record."""
    if await stores.keys.find(key_id):
        return True
    async for _ in stores.ledger.rows(key_id):
        return True
    return False


def _rows(
    ledger: LedgerStore, key_id: str, since: date | None, until: date | None
) -> AsyncIterator[LedgerRow]:
    last = _midnight(until or date.max) + timedelta(days=1).total_seconds()
    return ledger.rows_between(key_id, _midnight(since or EPOCH), last)


def _midnight(of: date) -> float:
    return datetime(of.year, of.month, of.day, tzinfo=UTC).timestamp()


async def _row(ledger: LedgerStore, key_id: str, named: str) -> LedgerRow:
    row = await ledger.get(key_id, _request_id(named))
    if row is None:
        raise NoRowError(
            f"key {masked(key_id)} has no settled request {masked(named)}: it was refused, has failed, "
            "is not settled yet, or is another key's"
        )
    return row


def _request_id(named: str) -> str:
    """The id of the request that a job was made by, which differs in its lead only; of a request its own."""
    for lead in LEADS.values():
        if named.startswith(lead):
            return LEAD + named.removeprefix(lead)
    return named

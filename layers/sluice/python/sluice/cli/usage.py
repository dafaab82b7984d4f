"""sluice usage: what was used, and what it cost."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Annotated, Literal

import typer

from sluice.cli.rendering import as_json, say
from sluice.cli.target import JSON, Local, NoAnswerError, Stack, State, target_of
from sluice.cli.usage_rendering import Line, usage_object, usage_table
from sluice.local.state import DIRECTORY
from sluice.pipeline.repair_usage import Repair, repair_usage
from sluice.stores.usage import PartlyAddedError
from sluice.stores.usage_items import Totals, Usage, UsageKey

Group = Literal["model", "day", "key", "provider"]
EACH: tuple[Group, ...] = ("day", "key", "model")
"""What the lines are grouped by where nothing else is asked for."""
UNKNOWN = "unknown"
"""The provider of what was added up before its providers were told apart."""


def day(text: str) -> date:
    """A day in UTC, such as ``2026-11-21``."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:
        raise typer.BadParameter(f"{text!r} is not a day such as 2026-11-21")
    return found


app = typer.Typer()


@app.callback(invoke_without_command=True)
def usage(
    context: typer.Context,
    key: Annotated[str | None, typer.Option(metavar="ID", help="Only this key's.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="TEXT", help="Only this owner's.")] = None,
    by: Annotated[Group | None, typer.Option(help="Add up by one of these alone.")] = None,
    since: Annotated[
        date | None, typer.Option(parser=day, metavar="DAY", help="The first day, such as 2026-11-21, UTC.")
    ] = None,
    until: Annotated[date | None, typer.Option(parser=day, metavar="DAY", help="The last day.")] = None,
    local: Local = False,
    stack: Stack = None,
    state: State = DIRECTORY,
    json: JSON = False,
) -> None:
    """Show requests, tokens and costs by day, key and model, some seconds after they are settled."""
    if context.invoked_subcommand is not None:
        if local or json or any(each is not None for each in (key, owner, by, since, until, stack)):
            raise typer.BadParameter(f"options belong after {context.invoked_subcommand}")
        return
    if since is not None and until is not None and since > until:
        raise typer.BadParameter("the last day comes before the first", param_hint="'--until'")

    async def read() -> Sequence[Usage]:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            return await stores.usage.read(owner, key, since, until)

    lines = grouped(asyncio.run(read()), EACH if by is None else (by,))
    if json:
        say(as_json([usage_object(line) for line in lines]))
    elif lines:
        say(usage_table(lines))
    else:
        say("Nothing was used.")


@app.command()
def repair(local: Local = False, stack: Stack = None, state: State = DIRECTORY, json: JSON = False) -> None:
    """Add up the ledger rows that usage lacks, none of them twice.

    Reads all of the ledger. Safe to repeat, and beside requests: each row says whether it is added up.

    Exit code 0: usage has all rows. 1: some could not be added up.
    """

    async def mend() -> Repair:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            return await repair_usage(stores.ledger, stores.usage)

    try:
        done = asyncio.run(mend())
    except PartlyAddedError as error:
        raise NoAnswerError(f"DynamoDB throttles or does not answer: {error}; run it again") from error
    if json:
        malformed = [{"key_id": key_id, "request_id": request_id} for key_id, request_id in done.malformed]
        say(as_json({"added": done.added, "malformed": malformed}))
    else:
        for key_id, request_id in done.malformed:
            say(f"{key_id}  {request_id} is no row that can be added up")
        say(f"rows added up: {done.added}")
    if done.malformed:
        raise typer.Exit(1)


def grouped(found: Iterable[Usage], by: Sequence[Group]) -> list[Line]:
    """Usage added up by what is named, in its order."""
    sums: defaultdict[tuple[str, ...], Totals] = defaultdict(Totals)
    for each in found:
        for provider, totals in _parts(each) if "provider" in by else [("", each.totals)]:
            sums[tuple(_member(each.key, name, provider) for name in by)] += totals
    return [Line(dict(zip(by, group, strict=True)), totals) for group, totals in sorted(sums.items())]


def _parts(usage: Usage) -> Iterator[tuple[str, Totals]]:
    yield from usage.providers.items()
    if usage.rest != Totals():
        yield UNKNOWN, usage.rest


def _member(key: UsageKey, name: Group, provider: str) -> str:
    match name:
        case "day":
            return key.day
        case "key":
            return key.key_id
        case "model":
            return key.model
        case "provider":
            return provider

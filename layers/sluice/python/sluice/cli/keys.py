"""sluice keys: make, list, revoke and rotate API keys."""

import asyncio
import itertools
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from sluice.accounting.periods import BudgetPeriod
from sluice.cli import options
from sluice.cli.current_models import unknown_models
from sluice.cli.rendering import as_json, key_object, moment, say, table
from sluice.cli.target import JSON, Local, Stack, State, target_of
from sluice.config import WebhookAddressSettings
from sluice.keys import digest_of, new_secret, prefix_of
from sluice.local.state import DIRECTORY
from sluice.pipeline.jobs.webhooks.message import secret_for
from sluice.plans import CUSTOM, PLANS
from sluice.stores.key_records import KeyTerms, new_record
from sluice.stores.keys import KeyNotFoundError, KeyRecord, current_of

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, list, revoke and rotate API keys.")

DEFAULT_OWNER = "default"
PLAN_HELP = f"One of {', '.join(PLANS)}. The last, the default, has only the limits given here."
MOST_READ = 1000
"""Characters of standard input, which are more than a secret has."""
DEFAULT_PERIOD: BudgetPeriod = "lifetime"

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, key_…")]


class NoWebhooksError(Exception):
    """The gateway has no secret to sign webhooks with."""


class UnknownSecretError(Exception):
    """No key has this secret, or ever had it."""


def option(parser: Any, metavar: str, text: str) -> Any:
    """An option whose value ``parser`` reads."""
    return typer.Option(parser=parser, metavar=metavar, help=text, show_default=False)


@app.command()
def create(
    name: Annotated[str, option(options.label, "TEXT", "What the key is for.")],
    owner: Annotated[str, option(options.label, "TEXT", "Whose key it is.")] = DEFAULT_OWNER,
    plan: Annotated[str, option(options.plan, "PLAN", PLAN_HELP)] = CUSTOM,
    budget: Annotated[
        int | None,
        option(options.amount, "USD", "What it may spend, such as 5 or 0.25. It is never exceeded."),
    ] = None,
    period: Annotated[BudgetPeriod | None, typer.Option(help="When the budget starts anew, by UTC.")] = None,
    rpm: Annotated[
        int | None, option(options.limit, "N", "Requests a minute, in place of the plan's.")
    ] = None,
    tpm: Annotated[int | None, option(options.limit, "N", "Tokens a minute, likewise.")] = None,
    tpd: Annotated[int | None, option(options.limit, "N", "Tokens a day, likewise.")] = None,
    expires_in: Annotated[
        int | None, option(options.lifetime, "DURATION", "The key's lifetime: 12h, 30d.")
    ] = None,
    models: Annotated[str | None, typer.Option(metavar="A,B", help="The only models it may use.")] = None,
    local: Local = False,
    stack: Stack = None,
    state: State = DIRECTORY,
    json: JSON = False,
) -> None:
    """Make a key. Its secret is printed once, and stored nowhere."""
    if period is not None and budget is None:
        raise typer.BadParameter("--period is a budget's, and there is no --budget")
    if budget is not None:
        period = period or DEFAULT_PERIOD
    now = int(time.time())
    terms = KeyTerms(
        name=name,
        owner=owner,
        plan=plan,
        expires_at=None if expires_in is None else now + expires_in,
        models=None if models is None else options.models(models),
        budget_nano_usd=budget,
        budget_period=period,
        rpm=rpm,
        tpm=tpm,
        tpd=tpd,
    )
    secret = new_secret("key")
    record = new_record(secret, terms, now)

    async def put() -> Sequence[str]:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            unknown = await unknown_models(stores, terms.models or ())
            await stores.keys.put_new(record)
            return unknown

    for model in asyncio.run(put()):
        say(f"Warning: there is no model {model!r} yet; the key may use it once there is.", err=True)
    _print_secret(f"Key {record.id} ({record.name}) is made.", record, None, secret, json=json)


@app.command(name="list")
def list_keys(
    owner: Annotated[str | None, typer.Option(metavar="TEXT", help="Only this owner's keys.")] = None,
    local: Local = False,
    stack: Stack = None,
    state: State = DIRECTORY,
    json: JSON = False,
) -> None:
    """List the keys, oldest first."""

    async def read() -> tuple[Sequence[KeyRecord], Mapping[str, int]]:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            keys = _one_for_each_id(await stores.keys.list(owner))
            return keys, await stores.counters.last_used(record.id for record in keys)

    keys, last_used = asyncio.run(read())
    if json:
        say(as_json([key_object(record, last_used.get(record.id)) for record in keys]))
    elif keys:
        say(table(keys, last_used, int(time.time())))
    else:
        say("There are no keys yet: sluice keys create makes one.")


@app.command()
def find(local: Local = False, stack: Stack = None, state: State = DIRECTORY, json: JSON = False) -> None:
    """Find the key that a secret belongs to.

    The secret is read from standard input, so that no history of commands and no list of processes has it.
    """
    target = target_of(local=local, stack=stack, state=state)
    secret = typer.prompt("Secret", hide_input=True) if sys.stdin.isatty() else sys.stdin.read(MOST_READ)

    async def read() -> tuple[KeyRecord | None, Mapping[str, int]]:
        async with target.open() as stores:
            record = await stores.keys.get(digest_of(secret.strip()))
            return record, {} if record is None else await stores.counters.last_used([record.id])

    record, last_used = asyncio.run(read())
    if record is None:
        raise UnknownSecretError("no key has this secret")
    if json:
        typer.echo(as_json(key_object(record, last_used.get(record.id))))
    else:
        typer.echo(table([record], last_used, int(time.time())))


@app.command()
def revoke(
    key_id: KeyId, local: Local = False, stack: Stack = None, state: State = DIRECTORY, json: JSON = False
) -> None:
    """Make a key useless, for good."""

    async def write() -> tuple[KeyRecord, Mapping[str, int]]:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            record = current_of(await stores.keys.revoke(key_id))
            return record, await stores.counters.last_used([key_id])

    record, last_used = asyncio.run(write())
    if json:
        say(as_json(key_object(record, last_used.get(key_id))))
    else:
        say(f"Key {record.id} ({record.name}) is revoked.")


@app.command()
def rotate(
    key_id: KeyId,
    grace: Annotated[
        int | None,
        option(options.duration, "DURATION", "How long the old secret still works: 1h. None by default."),
    ] = None,
    local: Local = False,
    stack: Stack = None,
    state: State = DIRECTORY,
    json: JSON = False,
) -> None:
    """Give a key a new secret. It is printed once, and stored nowhere."""
    secret = new_secret("key")
    now = int(time.time())

    async def write() -> tuple[KeyRecord, Mapping[str, int]]:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            # Read first: once the old secret has ended, nothing may fail before the new one is shown.
            last_used = await stores.counters.last_used([key_id])
            record = await stores.keys.rotate(
                key_id,
                digest=digest_of(secret),
                prefix=prefix_of(secret),
                now=now,
                grace_seconds=grace or 0,
            )
            return record, last_used

    record, last_used = asyncio.run(write())
    until = now + (grace or 0)
    if record.expires_at is not None:
        until = min(until, record.expires_at)
    old = f"works until {moment(until)}" if grace else "works no longer"
    sentence = f"Key {record.id} ({record.name}) has a new secret; the old one {old}."
    _print_secret(sentence, record, last_used.get(key_id), secret, json=json)


@app.command()
def webhook_secret(
    key_id: KeyId, local: Local = False, stack: Stack = None, state: State = DIRECTORY, json: JSON = False
) -> None:
    """Show what messages about a key's jobs are signed with. Rotating the key changes it."""
    name = WebhookAddressSettings.from_environment().webhook_secret

    async def read() -> str:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            records = await stores.keys.find(key_id)
            if not records:
                raise KeyNotFoundError(key_id)
            master = await stores.credentials.get(name)
            if not isinstance(master, str):
                raise NoWebhooksError(f"the gateway sends no webhooks: its secret {name} is not set")
            return secret_for(master, current_of(records).digest)

    secret = asyncio.run(read())
    say(as_json({"id": key_id, "webhook_secret": secret}) if json else secret)


def _one_for_each_id(records: Sequence[KeyRecord]) -> list[KeyRecord]:
    """Each key once, without the secrets that rotations left behind."""
    by_id = itertools.groupby(sorted(records, key=lambda record: record.id), key=lambda record: record.id)
    keys = [current_of(list(group)) for _, group in by_id]
    return sorted(keys, key=lambda record: (record.created_at, record.id))


def _print_secret(
    sentence: str, record: KeyRecord, last_used_at: int | None, secret: str, *, json: bool
) -> None:
    if json:
        say(as_json(key_object(record, last_used_at, secret)))
    else:
        say(f"{sentence}\n\n  {secret}\n\nThis is the only time it is shown.")

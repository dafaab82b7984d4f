"""sluice jobs: what became of the messages about jobs."""

import asyncio
from typing import Annotated

import typer

from sluice.api.webhooks import DeliveryAttempt, DeliveryList
from sluice.cli.rendering import as_json, moment
from sluice.cli.target import JSON, Local, Stack, State, target_of
from sluice.errors import masked
from sluice.local.state import DIRECTORY
from sluice.pipeline.jobs.webhooks.deliveries import delivery_list
from sluice.stores.job_records import LEADS

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look after image and video jobs.")

SENTENCES = {
    None: "Nobody wants to be told of the job.",
    "pending": "It is not delivered yet.",
    "delivered": "It is delivered.",
    "given_up": "It is given up.",
}
"""What became of the message, by the state of its deliveries."""


class JobNotFoundError(Exception):
    """No job has this id, or none any more."""


@app.callback()
def group() -> None:
    """Look after image and video jobs."""


@app.command()
def deliveries(
    job_id: Annotated[str, typer.Argument(metavar="ID", help="The job's id, image_… or video_…")],
    local: Local = False,
    stack: Stack = None,
    state: State = DIRECTORY,
    json: JSON = False,
) -> None:
    """Show the attempts to tell a client's address that a job is over."""

    async def read() -> DeliveryList:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            is_id = job_id.startswith(tuple(LEADS.values()))  # the table has other items, too
            job = await stores.jobs.get(job_id) if is_id else None
            if job is None:
                raise JobNotFoundError(f"there is no job {masked(job_id)}")
            return delivery_list(job, await stores.deliveries.get(job_id))

    found = asyncio.run(read())
    if json:
        typer.echo(as_json(found.model_dump()))
    else:
        typer.echo("\n".join([*map(_line, found.data), _sentence(found)]))


def _line(attempt: DeliveryAttempt) -> str:
    outcome = attempt.failure if attempt.status is None else str(attempt.status)
    return f"{moment(attempt.created_at)}  {outcome}  {attempt.milliseconds} ms"


def _sentence(found: DeliveryList) -> str:
    sentence = SENTENCES[found.state]
    if found.next_attempt_at is not None:
        sentence += f" The next attempt is made at {moment(found.next_attempt_at)} or soon after."
    return sentence

"""sluice jobs: find jobs, cancel one, and see what became of the messages about them."""

import asyncio
import heapq
import sys
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import typer

from sluice.api.webhooks import DeliveryAttempt, DeliveryList
from sluice.cli import options
from sluice.cli.jobs_rendering import job_object, job_text, jobs_table
from sluice.cli.rendering import as_json, moment, say
from sluice.cli.target import JSON, Local, Stack, State, Stores, target_of
from sluice.errors import NotFoundError, masked
from sluice.local.state import DIRECTORY
from sluice.pipeline.jobs.cancelling import ended_for_operator
from sluice.pipeline.jobs.webhooks.deliveries import delivery_list
from sluice.stores.job_records import OVER_STATES, Job, JobKind, JobState, is_job_id

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look after image and video jobs.")

MOST_LISTED = 50
JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, image_… or video_…")]

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


@app.command(name="list")
def list_jobs(
    owner: Annotated[str | None, typer.Option(metavar="TEXT", help="Only this owner's jobs.")] = None,
    key: Annotated[str | None, typer.Option(metavar="ID", help="Only this key's.")] = None,
    status: Annotated[JobState | None, typer.Option(help="Only those that are so.")] = None,
    kind: Annotated[JobKind | None, typer.Option(help="Only those of this kind.")] = None,
    limit: Annotated[
        int, typer.Option(parser=options.limit, metavar="N", help="So many at most.")
    ] = MOST_LISTED,
    local: Local = False,
    stack: Stack = None,
    state: State = DIRECTORY,
    json: JSON = False,
) -> None:
    """List the jobs, newest first. What was asked for is not shown."""

    def is_wanted(job: Job) -> bool:
        asked = ((owner, job.owner), (key, job.key_id), (status, job.state), (kind, job.kind))
        return all(wanted is None or wanted == found for wanted, found in asked)

    async def read() -> Sequence[Job]:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            found = [job async for job in _jobs(stores, owner, status) if is_wanted(job)]
            return heapq.nlargest(limit, found, key=lambda job: (job.created_at, job.id))

    jobs = asyncio.run(read())
    if json:
        say(as_json([job_object(job) for job in jobs]))
    elif jobs:
        say(jobs_table(jobs, time.time()))
    else:
        say("There are no such jobs.")


@app.command()
def show(
    job_id: JobId, local: Local = False, stack: Stack = None, state: State = DIRECTORY, json: JSON = False
) -> None:
    """Show a job. What was asked for is not shown."""

    async def read() -> Job:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            return await _job(stores, job_id)

    job = asyncio.run(read())
    say(as_json(job_object(job)) if json else job_text(job, time.time()))


@app.command()
def cancel(
    job_id: JobId, local: Local = False, stack: Stack = None, state: State = DIRECTORY, json: JSON = False
) -> None:
    """End a job that is not over; nothing is charged for it. One that is over stays as it is."""

    async def write() -> tuple[Job, Job]:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            job = await _job(stores, job_id)
            return job, job if job.is_over else await _cancelled(stores, job)

    before, job = asyncio.run(write())
    if json:
        say(as_json(job_object(job)))
    elif before.is_over:
        say(f"Job {job.id} is over already: it is {job.state}.")
    elif job.state == "completed":
        say(f"Job {job.id} was being finished: it is completed, and charged.")
    else:
        say(f"Job {job.id} is cancelled. Nothing is charged.")


@app.command()
def deliveries(
    job_id: JobId, local: Local = False, stack: Stack = None, state: State = DIRECTORY, json: JSON = False
) -> None:
    """Show the attempts to tell a client's address that a job is over."""

    async def read() -> DeliveryList:
        async with target_of(local=local, stack=stack, state=state).open() as stores:
            job = await _job(stores, job_id)
            return delivery_list(job, await stores.deliveries.get(job_id))

    found = asyncio.run(read())
    if json:
        say(as_json(found.model_dump()))
    else:
        say("\n".join([*map(_line, found.data), _sentence(found)]))


def _jobs(stores: Stores, owner: str | None, status: JobState | None) -> AsyncIterator[Job]:
    """Jobs, those among them that are asked for; those that are not over are found without reading the whole table."""
    if owner is None and status is not None and status not in OVER_STATES:
        return stores.jobs.unfinished(sys.maxsize)
    return stores.jobs.every(owner)


async def _job(stores: Stores, job_id: str) -> Job:
    job = await stores.jobs.get(job_id) if is_job_id(job_id) else None  # the table has other items, too
    if job is None:
        raise JobNotFoundError(f"there is no job {masked(job_id)}")
    return job


async def _cancelled(stores: Stores, job: Job) -> Job:
    try:
        return await ended_for_operator(stores.closer, stores.machine(job.kind), job)
    except NotFoundError as error:
        raise JobNotFoundError(f"there is no job {masked(job.id)}") from error


def _line(attempt: DeliveryAttempt) -> str:
    outcome = attempt.failure if attempt.status is None else str(attempt.status)
    return f"{moment(attempt.created_at)}  {outcome}  {attempt.milliseconds} ms"


def _sentence(found: DeliveryList) -> str:
    sentence = SENTENCES[found.state]
    if found.next_attempt_at is not None:
        sentence += f" The next attempt is made at {moment(found.next_attempt_at)} or soon after."
    return sentence

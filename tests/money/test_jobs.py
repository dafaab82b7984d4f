"""Jobs of a key with a budget, many at once and by several processes, on every engine."""

import asyncio
import itertools
import time
from collections.abc import Awaitable

import pytest

from account import Account, watched
from engines import Engine
from key_records import key_record
from sluice.errors import BudgetExceededError, BudgetInFlightError, OverloadedError, SluiceError
from sluice.pipeline.jobs.submit import Submission
from sluice.stores.aws import AWS
from sluice.stores.jobs import JobOverError
from studio_world import SECRET, StudioWorld

PRICE = 40_000_000
HELD = 50_000_000
"""In nano-USD: what a picture costs, and what is held for it, because another maker is dearer."""

numbers = itertools.count(1)


class Site:
    """Some processes over an engine, and a key with a budget."""

    def __init__(self, aws: AWS, budget: int, processes: int = 1) -> None:
        number = next(numbers)
        record = key_record(SECRET, id=f"key_jobs_{number}", owner=f"owner_{number}", budget_nano_usd=budget)
        self.account = Account(SECRET, record, aws)
        self.world = StudioWorld(record, aws=aws)
        self.world.now = time.time()
        self.world.requests += number * 10_000
        self.studios = [self.world.environment() for _ in range(processes)]

    async def submit(self, number: int) -> Submission | SluiceError:
        """Ask one of the processes for a picture; why not, where it refuses."""
        try:
            return await self.world.submit(studio=self.studios[number % len(self.studios)])
        except SluiceError as error:
            return error


@pytest.fixture
def site(engine: Engine, engine_aws: AWS) -> Site:
    engine.empty("JobsTable")
    return Site(engine_aws, 10 * HELD, processes=3)


async def test_no_number_of_jobs_at_once_takes_more_than_the_budget(site: Site) -> None:
    async with watched([site.account]):
        outcomes = await asyncio.gather(*map(site.submit, range(40)))
    taken = [outcome.job for outcome in outcomes if isinstance(outcome, Submission)]
    refused = [outcome for outcome in outcomes if not isinstance(outcome, Submission)]
    assert all(
        isinstance(error, BudgetInFlightError | BudgetExceededError | OverloadedError) for error in refused
    )
    assert 0 < len(taken) <= 10
    books = await site.account.books()
    assert books.used == len(taken) * HELD
    async with watched([site.account]):
        await asyncio.gather(*(_ended(site, job.id, number) for number, job in enumerate(taken)))
    books = await site.account.balanced_books()
    done = [number for number in range(len(taken)) if number % 3]
    assert [row.cost for row in books.rows] == [PRICE] * len(done)
    assert all((row.images, row.status) == (1, "complete") for row in books.rows)


async def _ended(site: Site, job_id: str, number: int) -> None:
    """Every third job fails."""
    closer = site.studios[number % 3].closer
    job = await site.studios[0].jobs.get(job_id)
    assert job is not None
    if number % 3:
        await site.world.make(job)
        await closer.finish(job_id)
    else:
        await closer.fail(job_id, "timeout")


async def test_fifty_who_end_a_job_at_once_charge_it_once_or_not_at_all(site: Site) -> None:
    charged = 0
    for _ in range(3):
        job = await site.world.make((await site.world.submit()).job)
        works: list[Awaitable[None]] = [
            site.studios[number % 3].closer.finish(job.id)
            if number % 2
            else site.studios[number % 3].closer.fail(job.id, "cancelled")
            for number in range(50)
        ]
        outcomes = await asyncio.gather(*works, return_exceptions=True)
        assert all(outcome is None or isinstance(outcome, JobOverError) for outcome in outcomes)
        over = await site.studios[0].jobs.get(job.id)
        assert over is not None
        assert over.is_over
        charged += over.state == "completed"
        books = await site.account.balanced_books()
        assert [row.cost for row in books.rows] == [PRICE] * charged


async def test_one_idempotency_key_makes_one_job_whoever_is_asked(site: Site) -> None:
    works = [
        site.world.submit(studio=site.studios[number % 3], idempotency_key="once") for number in range(20)
    ]
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    made = {outcome.job.id for outcome in outcomes if isinstance(outcome, Submission)}
    assert len(made) == 1
    again = await site.world.submit(studio=site.studios[2], idempotency_key="once")
    assert (again.replayed, again.job.id) == (True, made.pop())
    assert (await site.account.books()).used == HELD

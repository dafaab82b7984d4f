"""Jobs whose machines do not end them are ended all the same."""

from typing import Any

import pytest

from made_jobs import made_job
from sluice.errors import OverloadedError
from sluice.pipeline.jobs.sweep import CLOSING_SECONDS, LATE_SECONDS, IncompleteError
from sluice.stores.job_items import item_of
from studio_world import CrashError, StudioWorld

PRICE = 40_000_000


def ended(name: str, status: str) -> dict[str, Any]:
    """EventBridge's event."""
    return {
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "detail": {"name": name, "status": status, "stateMachineArn": "arn:images"},
    }


SCHEDULED = {"detail-type": "Scheduled Event", "source": "aws.events"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("FAILED", "server_error"),
        ("ABORTED", "cancelled"),
        ("TIMED_OUT", "timeout"),
        ("PENDING_REDRIVE", "server_error"),
    ],
)
async def test_a_job_whose_execution_ends_badly_fails(world: StudioWorld, status: str, code: str) -> None:
    queued, running = (await world.submit()).job, await world.make((await world.submit()).job)
    for job in (queued, running):
        assert await world.sweeper.answer(ended(job.id, status)) == {"ended": 1}
        assert (await world.job(job.id)).failure == code
        assert await world.sweeper.answer(ended(job.id, status)) == {"ended": 0}
    world.all_is_well()


async def test_what_was_decided_is_carried_out(world: StudioWorld) -> None:
    done = await world.make((await world.submit()).job)
    failed = await world.make((await world.submit()).job)
    await world.jobs.finish(done.id, PRICE, "near", 1)
    await world.jobs.fail(failed.id, "cancelled", 1)
    for job in (done, failed):
        assert await world.sweeper.answer(ended(job.id, "FAILED")) == {"ended": 1}
    assert (await world.job(done.id)).state == "completed"
    assert (await world.job(failed.id)).failure == "cancelled"
    world.all_is_well()


@pytest.mark.parametrize("name", ["image_none", "somebody-elses", "", "output#image_1"])
async def test_an_execution_of_no_job_ends_nothing(world: StudioWorld, name: str) -> None:
    assert await world.sweeper.answer(ended(name, "FAILED")) == {"ended": 0}


async def test_a_schedule_leaves_alone_what_is_in_time(world: StudioWorld) -> None:
    queued = (await world.submit()).job
    running = await world.make((await world.submit()).job)
    world.now = queued.deadline + LATE_SECONDS
    finishing = await world.make((await world.submit()).job)
    await world.jobs.finish(finishing.id, PRICE, "near", int(world.now * 1000))
    world.now += 0.0
    assert await world.sweeper.answer(SCHEDULED) == {"ended": 0}
    assert [job.state for job in world.all_jobs] == ["queued", "running", "finishing"]
    world.now += 1
    assert await world.sweeper.answer(SCHEDULED) == {"ended": 2}
    assert (await world.job(running.id)).failure == "timeout"
    world.now += CLOSING_SECONDS
    assert await world.sweeper.answer(SCHEDULED) == {"ended": 1}
    assert await world.sweeper.answer(SCHEDULED) == {"ended": 0}
    assert [job.state for job in world.all_jobs] == ["failed", "failed", "completed"]
    world.all_is_well()


async def test_one_that_cannot_be_ended_is_in_nobodys_way(world: StudioWorld) -> None:
    jobs = [(await world.submit()).job for _ in range(11)]
    world.now = jobs[0].deadline + 10_000

    async def before(call: str) -> None:
        if call.startswith("bucket.keys") and jobs[3].id in call:
            raise OverloadedError("busy")

    world.around.before = before
    with pytest.raises(IncompleteError):
        await world.sweeper.sweep()
    assert sum(job.state == "failed" for job in world.all_jobs) == 10
    world.all_goes_well()
    world.now += CLOSING_SECONDS + 1
    assert await world.sweeper.sweep() == 1
    world.all_is_well()


async def test_what_an_index_tells_too_late_is_looked_at_again(world: StudioWorld) -> None:
    """A job that has just been decided is left to whoever has decided it."""
    job = await world.make((await world.submit()).job)
    world.now = job.deadline + 10_000
    calm = world.around.before

    async def before(call: str) -> None:
        if call == "GetItem JobsTable":
            world.around.before = calm
            await world.jobs.finish(job.id, PRICE, "near", int(world.now * 1000))

    world.around.before = before
    assert await world.sweeper.sweep() == 0
    assert (await world.job(job.id)).state == "finishing"


async def test_a_job_that_is_decided_while_it_is_swept_is_carried_out(world: StudioWorld) -> None:
    job = await world.make((await world.submit()).job)
    world.now = job.deadline + 10_000
    calm = world.around.before

    async def before(call: str) -> None:
        if call == "UpdateItem JobsTable":
            world.around.before = calm
            await world.jobs.finish(job.id, PRICE, "near", int(world.now * 1000))

    world.around.before = before
    assert await world.sweeper.sweep() == 1
    assert (await world.job(job.id)).state == "completed"
    world.all_is_well()


async def test_what_is_swept_away_under_it_is_nothing(world: StudioWorld) -> None:
    job = (await world.submit()).job
    await world.closer.fail(job.id, "timeout")
    over = await world.job(job.id)
    stale = made_job(job.id, state="running", deadline=0)
    world.database.tables["JobsTable"][(job.id,)] = item_of(stale)

    async def before(call: str) -> None:
        if call == "UpdateItem JobsTable":
            world.database.tables["JobsTable"].pop((job.id,), None)

    world.around.before = before
    assert await world.sweeper.answer(ended(job.id, "FAILED")) == {"ended": 0}
    assert over.is_over


async def test_a_schedule_that_dies_is_followed_by_another(world: StudioWorld) -> None:
    job = await world.make((await world.submit()).job)
    world.now = job.deadline + 10_000
    for number in range(40):
        world.let_fail(number, "killed")
        died = False
        try:
            await world.sweeper.sweep()
        except CrashError:
            died = True
        if not died:
            break
    world.all_goes_well()
    world.now += CLOSING_SECONDS + 1
    await world.sweeper.sweep()
    world.all_is_well()

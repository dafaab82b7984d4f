"""Waiting for a job: until it is over, and no longer than the client waits."""

import asyncio

import pytest

from made_jobs import made_job
from sluice.errors import NotFoundError, OverloadedError
from sluice.pipeline.jobs.waiting import over
from sluice.stores.job_items import item_of
from sluice.stores.job_records import Job, JobState
from studio_world import StudioWorld


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at it all the time."""
    monkeypatch.setattr("sluice.pipeline.jobs.waiting.FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("sluice.pipeline.jobs.waiting.LONGEST_PAUSE_SECONDS", 0.0)


def put(world: StudioWorld, state: JobState) -> Job:
    job = made_job("image_1", state=state)
    world.database.tables["JobsTable"][(job.id,)] = item_of(job)
    return job


def soon(seconds: float = 5) -> float:
    return asyncio.get_running_loop().time() + seconds


@pytest.mark.parametrize("state", ["completed", "failed"])
async def test_a_job_that_is_over_is_told_at_once(world: StudioWorld, state: JobState) -> None:
    job = put(world, state)
    assert await over(world.studio, job.id, soon(-1)) == job
    assert len(world.around.calls) == 1


@pytest.mark.parametrize("state", ["queued", "running", "finishing", "failing"])
async def test_nobody_waits_longer_than_until_the_deadline(world: StudioWorld, state: JobState) -> None:
    assert await over(world.studio, put(world, state).id, soon(0.01)) is None


async def test_it_is_told_when_it_is_over_whatever_fails_meanwhile(world: StudioWorld) -> None:
    put(world, "running")

    async def before(_call: str) -> None:
        looks = len(world.around.calls)
        if looks == 3:
            raise OverloadedError("busy")
        if looks == 5:
            put(world, "finishing")
        if looks == 7:
            put(world, "completed")

    world.around.before = before
    found = await over(world.studio, "image_1", soon())
    assert found is not None
    assert (found.state, len(world.around.calls)) == ("completed", 7)


async def test_a_job_that_is_deleted_is_not_waited_for(world: StudioWorld) -> None:
    with pytest.raises(NotFoundError):
        await over(world.studio, "image_1", soon())


async def test_pauses_grow_and_end_with_the_deadline(
    world: StudioWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.pipeline.jobs.waiting.FIRST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr("sluice.pipeline.jobs.waiting.LONGEST_PAUSE_SECONDS", 1.5)
    pauses: list[float] = []
    put(world, "running")

    async def sleep(seconds: float) -> None:
        if seconds:  # the world's own
            pauses.append(seconds)
        if len(pauses) > 14:
            put(world, "failed")

    monkeypatch.setattr("sluice.pipeline.jobs.waiting.asyncio.sleep", sleep)
    assert await over(world.studio, "image_1", soon(1000)) is not None
    assert pauses[0] == 0.2
    assert pauses == sorted(pauses)
    assert pauses[-1] == 1.5
    pauses.clear()
    put(world, "running")
    await over(world.studio, "image_1", soon(0.1))
    assert max(pauses) <= 0.1

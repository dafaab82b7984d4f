"""Jobs that somebody does not want any more; what an owner's wish does besides is in the tests of ``owned``."""

from dataclasses import replace

import pytest

from made_jobs import made_job
from sluice.errors import NotFoundError, OverloadedError
from sluice.pipeline.jobs.cancelling import ended_for_operator
from studio_world import NANO, StudioWorld

MACHINE = "arn:videos"


async def test_a_job_ends_and_its_execution_with_it(world: StudioWorld) -> None:
    for job in ((await world.submit()).job, await world.make((await world.submit()).job)):
        found = await ended_for_operator(world.closer, MACHINE, job)
        assert (found.state, found.failure) == ("failed", "cancelled")
        assert world.machines.stopped == [job.id]
        world.machines.stopped.clear()
    assert world.charges == []
    world.all_is_well()


async def test_a_video_that_a_provider_makes_is_left_to_its_execution_which_tells_the_provider(
    world: StudioWorld,
) -> None:
    seen = (await world.submit(video=True)).job
    await world.jobs.begin(seen.id, 1)
    await world.jobs.note_submitted(seen.id, 0, "near", "abc")
    found = await ended_for_operator(world.closer, MACHINE, seen)
    assert (found.state, found.reference) == ("failed", "abc")
    assert world.machines.stopped == []
    world.all_is_well()


async def test_what_was_decided_stays(world: StudioWorld) -> None:
    job = await world.make((await world.submit()).job)
    await world.jobs.finish(job.id, NANO // 25, "near", 1)
    assert (await ended_for_operator(world.closer, MACHINE, job)).state == "completed"
    world.all_is_well()


async def test_one_that_is_gone_is_not_found(world: StudioWorld) -> None:
    with pytest.raises(NotFoundError):
        await ended_for_operator(world.closer, MACHINE, made_job())


async def test_a_job_is_over_although_its_execution_cannot_be_stopped(world: StudioWorld) -> None:
    job = (await world.submit()).job

    async def before(call: str) -> None:
        if call == "machines.stop":
            raise OverloadedError("busy")

    world.around.before = before
    assert (await ended_for_operator(world.closer, MACHINE, replace(job))).state == "failed"
    world.all_is_well()

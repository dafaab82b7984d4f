"""The first state."""

import pytest

from job_world import JobWorld, makers_known
from sluice.stores.jobs import JobOverError

__all__ = ["makers_known"]


async def test_it_names_the_files_that_are_wanted() -> None:
    world = JobWorld(count=3)
    assert await world.task("begin") == {"job": world.job_id, "indexes": [0, 1, 2]}
    assert world.job.state == "running"


async def test_once_more_it_says_the_same() -> None:
    world = JobWorld("video")
    assert await world.task("begin") == await world.task("begin") == {"job": world.job_id, "indexes": [0]}


async def test_a_job_that_is_over_is_not_begun() -> None:
    world = JobWorld()
    world.change(state="failed")
    with pytest.raises(JobOverError):
        await world.task("begin")

"""A provider calls back: with the secret of its job and no other, before or after the machine waits."""

from typing import Any

import pytest

from job_world import JobWorld, makers_known
from sluice.errors import NotFoundError
from sluice.pipeline.jobs.callbacks import called_back, called_key, token_key
from sluice.stores.bucket import request_key

__all__ = ["makers_known"]

SECRET = "callback-secret"


@pytest.fixture
def world() -> JobWorld:
    world = JobWorld("video", calls_back=True)
    world.change(state="running", leg=0, reference="video-1")
    return world


async def call(world: JobWorld, secret: str = SECRET, job_id: str | None = None) -> None:
    await called_back(world.workshop, job_id or world.job_id, secret)


async def test_a_machine_that_waits_is_woken(world: JobWorld) -> None:
    await world.task("await", token="token-7")
    assert world.machines.woken == []
    await call(world)
    assert world.machines.woken == ["token-7"]


async def test_one_that_comes_to_wait_too_late_is_woken_at_once(world: JobWorld) -> None:
    await call(world)
    assert world.machines.woken == []
    await world.task("await", token="token-7")
    assert world.machines.woken == ["token-7"]


async def test_a_call_wakes_one_wait_and_not_the_next(world: JobWorld) -> None:
    await call(world)
    await world.task("await", token="token-1")
    await world.task("await", token="token-2")
    assert world.machines.woken == ["token-1"]


@pytest.mark.parametrize("at", ["bucket.put", "bucket.get", "bucket.size"])
async def test_both_at_once_are_one_wake_up_at_least(world: JobWorld, at: str) -> None:
    other: list[str] = []

    async def before(made: str) -> None:
        if made.startswith(at) and "received/" in made and not other:
            other.append(made)
            await call(world)

    world.around.before = before
    await world.task("await", token="token-7")
    await call(world) if not other else None
    assert "token-7" in world.machines.woken


async def test_a_run_is_shorter_with_a_call(world: JobWorld) -> None:
    world = JobWorld("video", calls_back=True)
    begun = world.now

    async def after(made: str) -> None:
        if made == f"bucket.put {token_key(world.job_id)}":
            world.makers.polls = 1
            world.around.after = nothing_more
            await call(world)

    async def nothing_more(_made: str) -> None:
        pass

    world.around.after = after
    execution = await world.run()
    assert world.job.state == "completed"
    assert execution.states.count("AwaitCallback") == 1
    assert world.now == begun


async def test_its_provider_is_given_the_address(world: JobWorld) -> None:
    world.change(state="queued", leg=None, reference=None)
    await world.run()
    video = world.makers.videos["video-1"]
    assert video["callback"] == f"https://gateway.test/v1/jobs/{world.job_id}/callbacks/{SECRET}"


@pytest.mark.parametrize("secret", ["", "x", SECRET + "x", SECRET[:-1], "ü\ud800"])
async def test_any_other_secret_is_a_404(world: JobWorld, secret: str) -> None:
    with pytest.raises(NotFoundError):
        await call(world, secret)
    assert world.files == []


@pytest.mark.parametrize("job_id", ["video_ffff", "", "image_0123456789abcdef", "../x"])
async def test_any_other_job_is_a_404(world: JobWorld, job_id: str) -> None:
    with pytest.raises(NotFoundError):
        await call(world, job_id=job_id or "?")


async def test_a_job_without_a_secret_is_a_404(world: JobWorld) -> None:
    del world.bucket.objects[request_key(world.job_id)]
    with pytest.raises(NotFoundError):
        await call(world, "")


@pytest.mark.parametrize("state", ["queued", "finishing", "completed", "failing", "failed"])
async def test_a_job_that_is_not_being_made_is_left_alone(world: JobWorld, state: Any) -> None:
    world.change(state=state)
    await call(world)
    assert not any(made.startswith("bucket.put") for made in world.around.calls)
    assert world.machines.woken == []


async def test_nothing_is_left_where_it_ends_meanwhile(world: JobWorld) -> None:
    async def after(made: str) -> None:
        if made.startswith("bucket.put"):
            world.change(state="failed")

    world.around.after = after
    await call(world)
    assert called_key(world.job_id) not in world.files
    assert world.files == []


@pytest.mark.parametrize(
    "job_id", ["output#" + "0" * 64, "webhook#video_1", "image_1", "video_" + "1" * 2_000, "vidéo_1", ""]
)
async def test_what_is_no_video_is_not_looked_up(world: JobWorld, job_id: str) -> None:
    world.around.calls.clear()
    with pytest.raises(NotFoundError):
        await called_back(world.workshop, job_id, SECRET)
    assert world.around.calls == []

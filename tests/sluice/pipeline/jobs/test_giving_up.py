"""A video that its client cancels is given up at its provider as well, whatever the provider makes of that."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from fake_makers import Makers, maker, told
from sluice.errors import UpstreamError
from sluice.pipeline.jobs import giving_up
from sluice.pipeline.jobs.owned import cancel, delete
from sluice.stores.bucket import request_key
from sluice.stores.job_records import Job
from studio_world import StudioWorld

TO_PROVIDER = "DELETE None"
"""It has no host in this world."""


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.providers.registry.PROVIDERS", {"demo": maker(), "openai": maker()})


@pytest.fixture
def makers() -> Makers:
    return Makers()


@pytest.fixture
def world(makers: Makers) -> StudioWorld:
    world = StudioWorld()
    world.studio = replace(world.studio, gateway=replace(world.studio.gateway, upstream=makers))
    return world


async def submitted(world: StudioWorld) -> Job:
    """A video's job that a provider has taken."""
    job = (await world.submit(video=True)).job
    await world.jobs.begin(job.id, 1)
    await world.jobs.note_submitting(job.id, 0, 1)
    return await world.jobs.note_submitted(job.id, 0, "near", "video-1")


async def test_a_cancelled_video_is_given_up(world: StudioWorld, makers: Makers) -> None:
    job = await submitted(world)
    over = await cancel(world.studio, job)
    assert (over.state, over.failure) == ("failed", "cancelled")
    assert makers.cancelled == ["video-1"]


async def test_so_is_one_that_is_deleted(world: StudioWorld, makers: Makers) -> None:
    job = await submitted(world)
    await delete(world.studio, job)
    assert makers.cancelled == ["video-1"]
    assert await world.jobs.get(job.id) is None


async def test_one_that_nobody_has_taken_is_not(world: StudioWorld, makers: Makers) -> None:
    await cancel(world.studio, (await world.submit(video=True)).job)
    assert makers.requests == []


async def test_nor_is_one_that_is_completed(world: StudioWorld, makers: Makers) -> None:
    job = await submitted(world)
    await world.make(job)
    await world.closer.finish(job.id)
    await cancel(world.studio, job)
    assert makers.requests == []


@pytest.mark.parametrize("answer", [told({}, 404), told({}, 500), UpstreamError("broken")], ids=str)
async def test_a_provider_that_does_not_hear_of_it_keeps_nobody(
    world: StudioWorld, makers: Makers, answer: Any
) -> None:
    job = await submitted(world)
    makers.answers[TO_PROVIDER] = [answer]
    assert (await cancel(world.studio, job)).state == "failed"


async def test_nor_does_one_that_hangs(
    world: StudioWorld, makers: Makers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_up, "SECONDS", 0.01)
    job = await submitted(world)
    makers.answers[TO_PROVIDER] = [None]
    async with asyncio.timeout(5):
        assert (await cancel(world.studio, job)).state == "failed"


async def test_nor_a_request_that_is_gone(world: StudioWorld, makers: Makers) -> None:
    job = await submitted(world)
    del world.bucket.objects[request_key(job.id)]
    assert (await cancel(world.studio, job)).state == "failed"
    assert makers.cancelled == []

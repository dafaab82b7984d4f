"""Each job leaves one line of metrics when it is over, whoever has ended it, however many have tried."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from embedded_metrics import Measured, all_measured
from sluice.errors import OverloadedError
from sluice.pipeline.jobs.sweep import CLOSING_SECONDS, LATE_SECONDS, IncompleteError
from sluice.pipeline.jobs.webhooks.deliver import OVER, deliver
from sluice.upstream.public import Answer
from studio_functions import Site, failed, untouched
from studio_world import NANO, StudioWorld
from webhook_world import World, told_job

VIDEOS, PICTURES = "/v1/videos", "/v1/images/generations"
VIDEO = {"model": "filmer", "prompt": "a cat", "seconds": 4}
PICTURE = {"model": "painter", "prompt": "a cat"}

type Written = Callable[[], list[Measured]]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Written:
    """What was written of jobs, webhooks and sweeps since it was last asked for; requests have lines of their own."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")

    def found() -> list[Measured]:
        lines = all_measured(capsys.readouterr().out)
        return [line for line in lines if "Requests" not in line.values]

    return found


async def test_what_is_made_is_counted_with_its_time_and_cost(
    monkeypatch: pytest.MonkeyPatch, written: Written
) -> None:
    site = Site(monkeypatch)

    async def slowly(_: Site, job: object) -> None:
        (made,) = [each for each in site.jobs if each == job]
        await site.world.make(made, seconds=made.seconds)
        site.world.now += 7
        await site.world.closer.finish(made.id)

    site.carrier = slowly
    assert (await site.ask("POST", VIDEOS, VIDEO)).status == 200
    (line,) = written()
    assert line.dimensions == {"service": "videos"}
    assert line.values == {"JobsCompleted": 1, "JobTime": 7, "Cost": 0.4}
    assert line.document["job_id"] == site.jobs[0].id


async def test_pictures_that_are_waited_for_cost_what_they_cost_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")
    site = Site(monkeypatch)
    assert (await site.ask("POST", PICTURES, PICTURE)).headers["x-sluice-cost"] == "0.04"
    lines = all_measured(capsys.readouterr().out)
    assert [line.dimensions for line in lines] == [{"service": "images"}] * 2
    assert [line.values.get("Cost") for line in lines] == [0.04, None]


async def test_failures_and_cancellations_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, written: Written
) -> None:
    site = Site(monkeypatch)
    site.carrier = failed("upstream_error")
    await site.ask("POST", VIDEOS, VIDEO)
    assert [(line.dimensions["service"], line.values) for line in written()] == [
        ("videos", {"JobsFailed": 1})
    ]
    site.carrier = untouched
    await site.ask("POST", PICTURES, {**PICTURE, "async": True})
    assert written() == []
    await site.ask("DELETE", f"{PICTURES}/{site.jobs[0].id}")
    assert [(line.dimensions["service"], line.values) for line in written()] == [
        ("images", {"JobsCancelled": 1})
    ]


async def test_of_fifty_closers_one_counts(written: Written) -> None:
    world = StudioWorld()
    job = await world.make((await world.submit()).job)
    await world.jobs.finish(job.id, NANO // 25, "near", 1)
    job = await world.job(job.id)
    await asyncio.gather(*(world.closer.close(job) for _ in range(50)))
    assert [line.values["JobsCompleted"] for line in written()] == [1]


async def test_a_sweep_that_finds_something_warns_and_counts_it(
    written: Written, caplog: pytest.LogCaptureFixture
) -> None:
    world = StudioWorld()
    jobs = [(await world.submit()).job for _ in range(2)]
    assert await world.sweeper.sweep() == 0
    assert written() == []
    assert [record.levelno for record in caplog.records if record.message == "swept"] == [logging.INFO]
    world.now = jobs[0].deadline + LATE_SECONDS + 1

    async def before(call: str) -> None:
        if call.startswith("bucket.keys") and jobs[0].id in call:
            raise OverloadedError("busy")

    world.around.before = before
    caplog.clear()
    with pytest.raises(IncompleteError):
        await world.sweeper.sweep()
    assert [record.levelno for record in caplog.records if record.message == "swept"] == [logging.WARNING]
    assert [(line.dimensions["service"], line.values) for line in written()] == [
        ("images", {"JobsFailed": 1}),
        ("end_jobs", {"JobsSwept": 2}),
    ]
    world.all_goes_well()
    world.now += CLOSING_SECONDS + 1
    assert await world.sweeper.sweep() == 1
    assert [line.values for line in written()] == [{"JobsFailed": 1}, {"JobsSwept": 1}]


async def test_webhooks_count_when_they_are_over(written: Written) -> None:
    world = World(answers=[Answer(500, None), Answer(204, None)])
    job = world.has(told_job())
    assert await deliver(world.courier, job.id) != OVER
    assert written() == []
    world.now += 3600
    assert await deliver(world.courier, job.id) == OVER
    assert await deliver(world.courier, job.id) == OVER
    assert [line.values for line in written()] == [{"WebhooksDelivered": 1}]
    gone = world.has(told_job("video_0a"))
    world.answers = [Answer(410, None)]
    assert await deliver(world.courier, gone.id) == OVER
    (line,) = written()
    assert (line.dimensions, line.values) == ({"service": "deliver_webhook"}, {"WebhooksGivenUp": 1})
    assert line.document["job_id"] == gone.id


async def test_of_two_who_deliver_at_once_one_counts(written: Written) -> None:
    world = World(answers=[Answer(410, None)])
    job = world.has(told_job())
    await asyncio.gather(*(deliver(world.courier, job.id) for _ in range(2)))
    assert [line.values for line in written()] == [{"WebhooksGivenUp": 1}]

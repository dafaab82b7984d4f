"""The function of the state machines: it takes their events, and nothing else."""

from typing import Any

import pytest

from function_handlers import load_handler, sample_events
from job_world import FUNCTION, JobWorld, makers_known
from sluice.pipeline.jobs.task import EventError, task_event
from sluice.worker import Worker

__all__ = ["makers_known"]

SAMPLES = sample_events("jobs")
EVENTS = {name: event for name, event in SAMPLES.items() if "task" in event}


def test_there_is_a_sample_of_each_task() -> None:
    assert {name: event["task"] for name, event in EVENTS.items()} == {name: name for name in FUNCTION.TASKS}


@pytest.mark.parametrize("name", EVENTS)
def test_a_sample_is_an_event(name: str) -> None:
    event = task_event(EVENTS[name])
    assert event.job == EVENTS[name]["job"]
    assert event.job.startswith("video_" if name in ("submit", "await", "poll") else ("image_", "video_"))


@pytest.mark.parametrize(
    ("status", "code"), [("FAILED", "server_error"), ("ABORTED", "cancelled"), ("TIMED_OUT", "timeout")]
)
async def test_a_video_whose_execution_has_ended_without_it_fails_and_is_given_up(
    status: str, code: str
) -> None:
    world = JobWorld("video")
    world.change(state="running", leg=0, reference="video-1")
    assert await world.worker.answer(ended(world.job_id, status)) == {}
    assert (world.job.state, world.job.failure) == ("failed", code)
    assert (world.charges, world.holds, world.makers.cancelled) == ([], [], ["video-1"])
    await world.worker.answer(ended(world.job_id, status))
    assert world.makers.cancelled == ["video-1"]


async def test_a_video_that_is_paid_for_stays_so() -> None:
    world = JobWorld("video")
    await world.run()
    before = world.job
    assert await world.worker.answer(ended(world.job_id, "ABORTED")) == {}
    assert world.job == before
    assert (len(world.charges), world.makers.cancelled) == (1, [])


async def test_an_execution_that_is_no_jobs_is_left_alone() -> None:
    world = JobWorld("video")
    before = world.job
    assert await world.worker.answer(ended("by-hand", "FAILED")) == {}
    assert world.job == before


def ended(name: str, status: str) -> dict[str, Any]:
    """What EventBridge tells of an execution."""
    sample: dict[str, Any] = SAMPLES["timed_out"]
    return sample | {"detail": sample["detail"] | {"name": name, "status": status}}


async def test_the_machine_sees_its_errors_by_their_names() -> None:
    world = JobWorld()
    assert (await world.worker.answer({"task": "begin", "job": world.job_id}))["indexes"] == [0]
    with pytest.raises(EventError):
        await world.worker.answer({"task": "paint", "job": world.job_id})


def test_importing_it_asks_nothing_of_the_environment() -> None:
    assert isinstance(load_handler("jobs"), Worker)

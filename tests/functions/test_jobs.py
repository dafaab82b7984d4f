"""The function of the state machines: it takes their events, and nothing else."""

import pytest

from function_handlers import load_handler, sample_events
from job_world import FUNCTION, JobWorld, makers_known
from sluice.pipeline.jobs.task import EventError, task_event
from sluice.worker import Worker

__all__ = ["makers_known"]

EVENTS = sample_events("jobs")


def test_there_is_a_sample_of_each_task() -> None:
    assert {name: event["task"] for name, event in EVENTS.items()} == {name: name for name in FUNCTION.TASKS}


@pytest.mark.parametrize("name", EVENTS)
def test_a_sample_is_an_event(name: str) -> None:
    event = task_event(EVENTS[name])
    assert event.job == EVENTS[name]["job"]
    assert event.job.startswith("video_" if name in ("submit", "await", "poll") else ("image_", "video_"))


async def test_the_machine_sees_its_errors_by_their_names() -> None:
    world = JobWorld()
    assert (await world.worker.answer({"task": "begin", "job": world.job_id}))["indexes"] == [0]
    with pytest.raises(EventError):
        await world.worker.answer({"task": "paint", "job": world.job_id})


def test_importing_it_asks_nothing_of_the_environment() -> None:
    assert isinstance(load_handler("jobs"), Worker)

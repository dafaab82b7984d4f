"""The function of the state machines: it takes their events, and nothing else."""

from typing import Any

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


def test_lambda_calls_it_and_the_machine_sees_its_errors_by_name() -> None:
    world = JobWorld()
    worker: Any = Worker(FUNCTION.answer, open_parts=lambda: world.workshop, known=FUNCTION.KNOWN)
    assert worker({"task": "begin", "job": world.job_id}, None)["indexes"] == [0]
    with pytest.raises(EventError):
        worker({"task": "paint", "job": world.job_id}, None)


def test_importing_it_asks_nothing_of_the_environment() -> None:
    assert isinstance(load_handler("jobs"), Worker)

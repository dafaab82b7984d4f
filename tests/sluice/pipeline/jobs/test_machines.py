"""The machines and the tasks fit together: names of tasks and of errors, members of payloads, and times."""

from collections.abc import Iterator
from typing import Any

import pytest

from job_world import FUNCTION
from machine_driver import definition
from sluice.pipeline.jobs import workshop
from sluice.pipeline.jobs.task import TaskEvent
from sluice.pipeline.jobs.tasks import generate, poll, store, submit

MACHINES = ("images", "videos")
MARGIN = 30
"""Seconds in which a task that has given up keeps what it knows, and tells the machine."""


def tasks(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for state in machine["States"].values():
        if state["Type"] == "Task":
            yield state
        elif state["Type"] == "Map":
            yield from tasks(state["ItemProcessor"])


def payloads() -> Iterator[dict[str, Any]]:
    for name in MACHINES:
        for state in tasks(definition(name)):
            yield state["Parameters"]["Payload"]


def test_every_task_of_the_machines_is_one_of_the_functions_and_the_other_way_round() -> None:
    assert {payload["task"] for payload in payloads()} == set(FUNCTION.TASKS)


def test_payloads_have_the_members_of_an_event_and_no_more() -> None:
    for payload in payloads():
        members = {name.removesuffix(".$") for name in payload}
        assert members <= set(TaskEvent.model_fields)
        assert members <= {"task", "job", "index", "token", "error"}


@pytest.mark.parametrize(
    ("task", "seconds"),
    [
        ("generate", generate.SECONDS),
        ("store", store.SECONDS + workshop.PIN_SECONDS),
        ("submit", submit.SECONDS),
        ("poll", poll.SECONDS),
    ],
)
def test_a_task_gives_up_before_its_state_does(task: str, seconds: float) -> None:
    limits = [
        state["TimeoutSeconds"]
        for name in MACHINES
        for state in tasks(definition(name))
        if state["Parameters"]["Payload"]["task"] == task
    ]
    assert limits
    assert all(seconds + MARGIN <= limit for limit in limits)


def test_no_task_is_repeated_that_is_over_or_refused() -> None:
    known = {error.__name__ for error in FUNCTION.KNOWN}
    for name in MACHINES:
        for state in tasks(definition(name)):
            named = {error for rule in state.get("Retry", ()) for error in rule["ErrorEquals"]}
            own = {error for error in named if not error.startswith("Lambda.")}
            assert own - {"States.ALL", "States.Timeout"} <= known
            task = state["Parameters"]["Payload"]["task"]
            # That nobody calls is no failure: the provider is asked.
            more = {"States.Timeout"} if task == "await" else set()
            if task != "fail":
                first = state["Retry"][0]
                assert (set(first["ErrorEquals"]), first["MaxAttempts"]) == (
                    {"JobOverError", "RefusedError", *more},
                    0,
                )

"""Executions in the stand-in for AWS, as Step Functions would have them."""

import contextlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from machines import definition
from process_memory import resident_bytes, threads
from scripted_bridge import GUARD_SECONDS, ROLE, Machines, ScriptedBridge, TaskError, running_machines, task
from sluice.local import executions
from sluice.local.aws_process import LocalAWS
from sluice.local.far_functions import FarFunctions

AT_ONCE = 200
ALONE_SECONDS = 0.1
ROUNDS = 4
THREADS_OF_AN_EXECUTION = 10
BYTES_OF_AN_EXECUTION = 150_000
"""Each far more than was ever seen: 6 threads, 45 KB of history."""

WAIT = {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}


class World:
    """One stand-in for all tests: what a task does is in its payload's ``do``."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.begun = threading.Event()
        self.tokens: dict[str, str] = {}
        self.waits = threading.Event()
        self.bridge: ScriptedBridge
        self.machines: Machines

    def function(self, payload: Any) -> Any:
        match payload["input"].get("do"):
            case "fail":
                raise TaskError("TooBadError")
            case "hang":
                self.begun.set()
                assert self.may_end.wait(GUARD_SECONDS)
            case "await":
                self.tokens[payload["input"]["name"]] = payload["token"]
                self.waits.set()
        return payload["input"]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    found = World()
    with running_machines(found.function) as (bridge, machines):
        found.bridge, found.machines = bridge, machines
        yield found
        found.may_end.set()


@pytest.fixture
def bridge(world: World) -> ScriptedBridge:
    world.bridge.called.clear()
    assert world.bridge.events.empty()
    return world.bridge


def test_tasks_are_carried_out_and_the_end_is_told(world: World, bridge: ScriptedBridge) -> None:
    machine = world.machines.made("all", {"A": task("One", Next="B"), "B": task("Other")})
    execution = world.machines.start(machine, "image_1", name="x")
    assert bridge.next_end() == ("image_1", "SUCCEEDED")
    assert world.machines.status(execution) == "SUCCEEDED"
    assert [name for name, _ in bridge.called] == ["One", "Other"]
    assert bridge.called[0][1] == {"input": {"name": "x"}}
    # As Lambda's own integration gives it.
    result = bridge.called[1][1]["input"]
    assert (result["Payload"], result["StatusCode"], result["ExecutedVersion"]) == (
        {"name": "x"},
        200,
        "$LATEST",
    )


def test_a_machine_knows_what_a_task_failed_with_by_its_name(world: World, bridge: ScriptedBridge) -> None:
    catcher = {"ErrorEquals": ["TooBadError"], "ResultPath": "$.error", "Next": "Caught"}
    first = task() | {"Catch": [catcher]}
    machine = world.machines.made("catches", {"A": first, "Caught": {"Type": "Pass", "End": True}})
    execution = world.machines.start(machine, "image_1", do="fail")
    assert bridge.next_end() == ("image_1", "SUCCEEDED")
    output = json.loads(world.machines.client.describe_execution(executionArn=execution)["output"])
    assert output["error"]["Error"] == "TooBadError"


def test_an_end_that_nobody_caught_says_what_it_was(world: World, bridge: ScriptedBridge) -> None:
    machine = world.machines.made("fails", {"A": task()})
    world.machines.start(machine, "image_1", do="fail")
    detail = bridge.events.get(timeout=GUARD_SECONDS)["detail"]
    assert (detail["status"], detail["error"]) == ("FAILED", "TooBadError")
    assert (detail["stateMachineArn"], detail["name"]) == (machine, "image_1")


def test_an_execution_ends_when_its_time_is_over(world: World, bridge: ScriptedBridge) -> None:
    machine = world.machines.made("short", WAIT, TimeoutSeconds=1)
    execution = world.machines.start(machine, "image_1")
    assert bridge.next_end() == ("image_1", "TIMED_OUT")
    assert world.machines.status(execution) == "TIMED_OUT"


def test_what_is_stopped_while_it_waits_is_over_at_once(world: World, bridge: ScriptedBridge) -> None:
    machine = world.machines.made("waits", WAIT)
    execution = world.machines.start(machine, "video_1")
    stopped = world.machines.client.stop_execution(executionArn=execution)
    assert world.machines.status(execution) == "ABORTED"
    assert bridge.next_end() == ("video_1", "ABORTED")
    again = world.machines.client.stop_execution(executionArn=execution)
    assert again["stopDate"] == stopped["stopDate"]
    assert bridge.events.empty()


def test_what_is_stopped_in_a_task_is_over_at_once_and_nothing_follows(
    world: World, bridge: ScriptedBridge
) -> None:
    machine = world.machines.made("hangs", {"A": task(Next="B"), "B": task("Never")})
    execution = world.machines.start(machine, "video_1", do="hang")
    assert world.begun.wait(GUARD_SECONDS)
    world.machines.client.stop_execution(executionArn=execution)
    assert world.machines.status(execution) == "ABORTED"
    assert bridge.next_end() == ("video_1", "ABORTED")
    world.may_end.set()
    other = world.machines.start(machine, "video_2")
    assert bridge.next_end() == ("video_2", "SUCCEEDED")
    assert world.machines.status(execution) == "ABORTED"
    assert world.machines.status(other) == "SUCCEEDED"
    assert [name for name, _ in bridge.called] == ["One", "One", "Never"]


def test_what_is_stopped_as_soon_as_it_is_started_is_stopped(world: World, bridge: ScriptedBridge) -> None:
    machine = world.machines.made("stopped", WAIT)

    def start_and_stop(number: int) -> str:
        execution = world.machines.start(machine, f"image_{number}")
        world.machines.client.stop_execution(executionArn=execution)
        return world.machines.status(execution)

    with ThreadPoolExecutor(8) as workers:
        assert set(workers.map(start_and_stop, range(40))) == {"ABORTED"}
    ends = sorted(bridge.next_end() for _ in range(40))
    assert ends == sorted((f"image_{number}", "ABORTED") for number in range(40))


def test_a_name_is_started_once_and_cannot_be_taken_again(world: World, bridge: ScriptedBridge) -> None:
    machine = world.machines.made("once", WAIT)
    execution = world.machines.start(machine, "image_1", do="it")
    assert world.machines.start(machine, "image_1", do="it") == execution
    other = world.machines.error_of(lambda: world.machines.start(machine, "image_1", do="else"))
    world.machines.client.stop_execution(executionArn=execution)
    ended = world.machines.error_of(lambda: world.machines.start(machine, "image_1", do="it"))
    assert (other, ended) == ("ExecutionAlreadyExists", "ExecutionAlreadyExists")
    assert bridge.next_end() == ("image_1", "ABORTED")


def test_starts_and_stops_are_answered_one_at_a_time() -> None:
    """moto by itself looks whether a name is taken, and then takes it: two who start one at once may both."""
    both = threading.Barrier(2)

    def meet() -> bool:
        with contextlib.suppress(threading.BrokenBarrierError):
            return both.wait(ALONE_SECONDS) >= 0
        return False

    guarded = executions._Mends(FarFunctions("127.0.0.1:1")).guarded(meet)
    with ThreadPoolExecutor(2) as workers:
        assert list(workers.map(lambda _: guarded(), range(2))) == [False, False]


def test_a_task_that_waits_to_be_called_back_goes_on_when_it_is(world: World, bridge: ScriptedBridge) -> None:
    machine = world.machines.made("called-back", {"A": task(wait=True, Next="B"), "B": task("After")})
    world.machines.start(machine, "video_1", do="await", name="video_1")
    assert world.waits.wait(GUARD_SECONDS)
    token = world.tokens["video_1"]
    others = [world.machines.start(machine, f"video_{number}") for number in range(2, 10)]
    refused = world.machines.error_of(
        lambda: world.machines.client.send_task_success(taskToken="no such token", output="{}")
    )
    assert refused == "InvalidToken"
    world.machines.client.send_task_success(taskToken=token, output='{"done":true}')
    assert bridge.next_end() == ("video_1", "SUCCEEDED")
    assert bridge.called[-1] == ("After", {"input": {"done": True}})
    for execution in others:
        world.machines.client.stop_execution(executionArn=execution)
        assert bridge.next_end()[1] == "ABORTED"


def test_of_those_that_have_ended_the_last_ones_are_kept(world: World, bridge: ScriptedBridge) -> None:
    machine = world.machines.made("many", {"A": {"Type": "Succeed"}})
    for number in range(executions.KEPT + 10):
        world.machines.start(machine, f"image_{number}")
        assert bridge.next_end() == (f"image_{number}", "SUCCEEDED")
    pages = world.machines.client.get_paginator("list_executions").paginate(stateMachineArn=machine)
    names = {each["name"] for page in pages for each in page["executions"]}
    assert names == {f"image_{number}" for number in range(10, executions.KEPT + 10)}


@pytest.mark.parametrize("stopped", [True, False])
def test_what_is_stopped_between_two_of_its_steps_fails_nobody(stopped: bool) -> None:
    """Its thread has seen it running, and finds it stopped; anything else that goes wrong is told."""
    running = [True]
    environment = SimpleNamespace(is_running=lambda: running[0])

    def goes_on(_: object) -> None:
        running[0] = not stopped
        raise RuntimeError("Could not set NextState value")

    with contextlib.nullcontext() if stopped else pytest.raises(RuntimeError):
        executions._unless_stopped(goes_on)(SimpleNamespace(env=environment))


def test_without_a_bridge_executions_are_started_and_stopped_and_nothing_comes_of_them() -> None:
    with LocalAWS() as local_aws:
        machines = Machines(local_aws)
        machine = machines.made("inert", {"A": task()})
        execution = machines.start(machine, "image_1")
        assert machines.status(execution) == "RUNNING"
        machines.client.stop_execution(executionArn=execution)
        assert machines.status(execution) == "ABORTED"
        machines.client.close()


def test_two_hundred_run_at_once_in_bounded_memory() -> None:
    """All are in a task at the same time, again and again; what stays of them is their history."""
    everybody = threading.Barrier(AT_ONCE)

    def generate(payload: Any) -> Any:
        if payload.get("task") == "begin":
            return payload | {"indexes": [0]}
        if payload.get("task") == "generate":
            everybody.wait(GUARD_SECONDS)
        return payload

    with running_machines(generate) as (bridge, machines), ThreadPoolExecutor(16) as workers:
        made = machines.client.create_state_machine(
            name="images", definition=json.dumps(definition("ImagesMachine")), roleArn=ROLE
        )
        machine = str(made["stateMachineArn"])
        sizes, most = [], 0
        for round_ in range(ROUNDS):
            names = [f"image_{round_}_{number}" for number in range(AT_ONCE)]
            list(workers.map(lambda name: machines.start(machine, name, job=name), names))
            ends = []
            for _ in names:
                most = max(most, threads(machines.pid))
                ends.append(bridge.next_end())
            assert sorted(ends) == sorted((name, "SUCCEEDED") for name in names)
            sizes.append(resident_bytes(machines.pid))
    assert most < AT_ONCE * THREADS_OF_AN_EXECUTION
    assert (sizes[-1] - sizes[0]) / (AT_ONCE * (ROUNDS - 1)) < BYTES_OF_AN_EXECUTION, sizes

"""Executions are started once, stopped and woken, and what Step Functions says of it is understood."""

import json
from typing import Any, cast

import pytest

from local_stack import botocore_client
from sluice.errors import OverloadedError
from sluice.local.stack import Stack
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS, AWSError, UnansweredError
from sluice.stores.machines import Machines, execution_arn

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:stack-images"
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:stack-images:image_1"


class FakeStates:
    """A client that fails as it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.error = error

    @property
    def states(self) -> "FakeStates":
        """Itself, as an ``AWS`` has it."""
        return self

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """As ``Client.call``."""
        self.calls.append((operation, members))
        if self.error is not None:
            raise self.error
        return {}

    @property
    def machines(self) -> Machines:
        """Machines that call this."""
        return Machines(cast("AWS", self))


def refused(code: str) -> AWSError:
    return AWSError("Operation", code, "because")


async def test_an_execution_goes_by_its_jobs_name() -> None:
    states = FakeStates()
    await states.machines.start(MACHINE, "image_1", {"job": "image_1"})
    await states.machines.stop(MACHINE, "image_1")
    await states.machines.task_succeeded("token")
    assert states.calls == [
        (
            "StartExecution",
            {"stateMachineArn": MACHINE, "name": "image_1", "input": '{"job":"image_1"}'},
        ),
        ("StopExecution", {"executionArn": EXECUTION}),
        ("SendTaskSuccess", {"taskToken": "token", "output": "{}"}),
    ]
    assert execution_arn(MACHINE, "image_1") == EXECUTION


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("start", "ExecutionAlreadyExists"),
        ("stop", "ExecutionDoesNotExist"),
        ("wake", "TaskTimedOut"),
        ("wake", "TaskDoesNotExist"),
        ("wake", "InvalidToken"),
    ],
)
async def test_what_was_done_before_is_done(operation: str, code: str) -> None:
    await called(FakeStates(refused(code)).machines, operation)


async def test_too_many_executions_is_a_matter_of_time() -> None:
    with pytest.raises(OverloadedError) as caught:
        await called(FakeStates(refused("ExecutionLimitExceeded")).machines, "start")
    assert caught.value.retry_after
    assert not isinstance(caught.value, UnansweredError)


@pytest.mark.parametrize("operation", ["start", "stop", "wake"])
async def test_any_other_refusal_is_told(operation: str) -> None:
    for error in (refused("StateMachineDoesNotExist"), UnansweredError("busy"), OverloadedError("busy")):
        with pytest.raises(type(error)):
            await called(FakeStates(error).machines, operation)


async def called(machines: Machines, operation: str) -> None:
    match operation:
        case "start":
            await machines.start(MACHINE, "image_1", {})
        case "stop":
            await machines.stop(MACHINE, "image_1")
        case _:
            await machines.task_succeeded("token")


async def test_step_functions_itself_understands_this(made: tuple[Endpoint, Stack], aws: AWS) -> None:
    """Moto's, which does not run what it starts here."""
    client = botocore_client(made[0], "stepfunctions")
    machine = next(
        each["stateMachineArn"]
        for each in client.list_state_machines()["stateMachines"]
        if each["name"].endswith("-images")
    )
    machines = Machines(aws)
    await machines.start(machine, "image_7", {"job": "image_7"})
    await machines.start(machine, "image_7", {"job": "image_7"})
    (found,) = [
        each
        for each in client.list_executions(stateMachineArn=machine)["executions"]
        if each["name"] == "image_7"
    ]
    assert found["executionArn"] == execution_arn(machine, "image_7")
    told = client.describe_execution(executionArn=found["executionArn"])
    assert json.loads(told["input"]) == {"job": "image_7"}
    await machines.stop(machine, "image_7")
    await machines.stop(machine, "image_never")
    await machines.task_succeeded("x" * 100)
    with pytest.raises(AWSError) as caught:
        await machines.start(machine + "-none", "image_7", {})
    assert caught.value.code == "StateMachineDoesNotExist"

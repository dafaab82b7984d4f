"""Step Functions: starts and stops the executions of state machines, and wakes the ones that wait.

An execution goes by the name that it is started with, so that a start which is repeated starts nothing.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/
"""

from collections.abc import Mapping
from typing import Final

from pydantic_core import to_json

from sluice.errors import OverloadedError
from sluice.stores.aws import AWS, RETRY_AFTER_SECONDS, AWSError

STARTED_BEFORE: Final = "ExecutionAlreadyExists"
TOO_MANY: Final = "ExecutionLimitExceeded"
NEVER_STARTED: Final = "ExecutionDoesNotExist"
WAITS_NO_MORE: Final = frozenset({"InvalidToken", "TaskDoesNotExist", "TaskTimedOut"})

MACHINE: Final = ":stateMachine:"
EXECUTION: Final = ":execution:"


class Machines:
    """Starts, stops and wakes executions.

    Every method raises ``OverloadedError`` when Step Functions throttles or cannot be reached, and ``AWSError`` when it
    refuses; each can be repeated.

    Args:
        aws: the way to Step Functions.
    """

    def __init__(self, aws: AWS) -> None:
        self._aws = aws

    async def start(self, machine_arn: str, name: str, content: Mapping[str, str]) -> None:
        """Start an execution, unless one of that name was started before.

        Args:
            machine_arn: of the state machine.
            name: the execution's.
            content: what it begins with.

        Raises:
            UnansweredError: it may have been started, or may yet be.
        """
        try:
            await self._aws.states.call(
                "StartExecution", stateMachineArn=machine_arn, name=name, input=to_json(content).decode()
            )
        except AWSError as error:
            if error.code == TOO_MANY:
                raise OverloadedError(
                    "Too many jobs are being made; try again.", retry_after=RETRY_AFTER_SECONDS
                ) from error
            if error.code != STARTED_BEFORE:
                raise

    async def stop(self, machine_arn: str, name: str) -> None:
        """Stop an execution; one that has ended, or was never started, is left alone."""
        try:
            await self._aws.states.call("StopExecution", executionArn=execution_arn(machine_arn, name))
        except AWSError as error:
            if error.code != NEVER_STARTED:
                raise

    async def task_succeeded(self, token: str) -> None:
        """Have a state go on that waits to be called back; one that does not wait any more has gone on."""
        try:
            await self._aws.states.call("SendTaskSuccess", taskToken=token, output="{}")
        except AWSError as error:
            if error.code not in WAITS_NO_MORE:
                raise


def execution_arn(machine_arn: str, name: str) -> str:
    """The ARN of a machine's execution."""
    return f"{machine_arn.replace(MACHINE, EXECUTION)}:{name}"

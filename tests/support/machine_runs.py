"""Runs a state machine in moto's interpreter, its tasks answered by a script and nothing waited for."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.stepfunctions.models import StateMachineInstance
from moto.stepfunctions.parser.api import StateMachineType
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackOutcomeSuccess
from moto.stepfunctions.parser.backend.execution import SyncExecution

from machines import Transition, how_taken, states
from sluice.local.executions import unlogged

ARN = "arn:aws:states:us-east-1:123456789012"


class ScriptedError(Exception):
    """What a task of a script fails with, by the name that the machine sees."""


class LambdaError(Exception):
    """What Lambda says instead of calling the function, by Lambda's name; the machine sees ``Lambda.`` before it."""


type Answer = Mapping[str, Any] | ScriptedError | LambdaError | Callable[["Run", Mapping[str, Any]], Any]
"""A task's reply, or its failure, or what computes either from the payload."""


class Run:
    """An execution of a machine, from its start to its end.

    Args:
        machine: the definition.
        script: each task's answers, by the task's name, in their order; the last one stays.
    """

    def __init__(self, machine: Mapping[str, Any], script: Mapping[str, Sequence[Answer]]) -> None:
        self.payloads: list[Mapping[str, Any]] = []
        """What tasks were called with."""
        self.waits: list[float] = []
        """Seconds that the machine waited between states."""
        self.delays: list[float] = []
        """Seconds that it waited before it repeated a task."""
        self._machine = machine
        self._script = {name: list(answers) for name, answers in script.items()}
        instance: Any = StateMachineInstance(f"{ARN}:stateMachine:m", "m", json.dumps(machine), "r")
        self._execution = SyncExecution(
            name="video_1",
            sm_type=StateMachineType.STANDARD,
            role_arn="arn:aws:iam::123456789012:role/r",
            exec_arn=f"{ARN}:execution:m:video_1",
            account_id="123456789012",
            region_name="us-east-1",
            state_machine=instance,
            start_date=datetime.now(UTC),
            cloud_watch_logging_session=None,
            input_data=json.dumps({"job": "video_1"}),
            activity_store={},
        )

    def run(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """Run it, once; how it ended."""
        with monkeypatch.context() as patched:
            patched.setattr(lambda_eval_utils, "boto_client_for", lambda **_: self)
            patched.setattr(retrier_decl, "time", SimpleNamespace(sleep=self.delays.append))
            patched.setattr(WaitFunction, "_wait_interval", self._wait)
            patched.setattr(EvalComponent, "_log_failure_event_exception", unlogged)
            self._execution.start()
        return str(self._execution.status)

    def invoke(self, **members: Any) -> dict[str, Any]:
        """Call a task, as moto calls Lambda."""
        payload = json.loads(members["Payload"])
        self.payloads.append(payload)
        answers = self._script[payload.get("task", "deliver")]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            body = answer(self, payload) if callable(answer) else answer
            if isinstance(body, ScriptedError | LambdaError):
                raise body
        except LambdaError as fault:
            said: Any = {"Code": str(fault), "Message": "scripted"}
            metadata: Any = {"HTTPStatusCode": 429, "RequestId": ""}
            raise ClientError({"Error": said, "ResponseMetadata": metadata}, "Invoke") from fault
        except ScriptedError as fault:
            error = {"errorType": str(fault), "errorMessage": "scripted"}
            return {
                "StatusCode": 200,
                "FunctionError": "Unhandled",
                "Payload": io.BytesIO(json.dumps(error).encode()),
            }
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(body).encode())}

    def task_succeeded(self, token: str) -> None:
        """What SendTaskSuccess does."""
        worker = self._execution.exec_worker
        assert worker is not None
        assert worker.env is not None
        outcome = CallbackOutcomeSuccess(callback_id=token, output="{}")
        assert worker.env.callback_pool_manager.notify(callback_id=token, outcome=outcome)

    @property
    def history(self) -> list[Any]:
        """All events, as Step Functions tells them."""
        return list(self._execution.to_history_output()["events"])

    @property
    def path(self) -> list[str]:
        """The states that were entered, in their order."""
        return [
            event["stateEnteredEventDetails"]["name"] for event in self.history if _is(event, "StateEntered")
        ]

    @property
    def transitions(self) -> set[Transition]:
        """Those that it took. Of iterations there may be one at a time only."""
        return _Reading(states(self._machine)).read(self.history)

    def _wait(self, *_: Any, wait_seconds: float, **__: Any) -> None:
        self.waits.append(wait_seconds)


class _Reading:
    """Reads transitions out of a history."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._states = known
        self._within = [""]
        self._state = ""
        self._error: str | None = None
        self._left: tuple[str, str] | None = None
        self._taken: set[Transition] = set()

    def read(self, history: list[Any]) -> set[Transition]:
        for event in history:
            self._note(event)
        return self._taken

    def _note(self, event: Mapping[str, Any]) -> None:
        kind = event["type"]
        if _is(event, "StateEntered"):
            self._enter(event["stateEnteredEventDetails"]["name"])
        elif _is(event, "StateExited"):
            self._leave(event["stateExitedEventDetails"]["name"])
        elif kind == "TaskScheduled":
            if self._error is not None:
                index = how_taken(self._states[self._state]["Retry"], self._error)
                self._take(f"retry {index}", self._state)
            self._error = None
        elif kind in {"TaskFailed", "TaskTimedOut"}:
            details = event.get("taskFailedEventDetails") or event["taskTimedOutEventDetails"]
            self._error = details["error"]
        elif kind == "MapIterationStarted":
            self._within.append(event["mapIterationStartedEventDetails"]["name"])
        elif kind == "MapStateFailed":
            self._error = "States.Runtime"
        elif kind == "MapIterationSucceeded":
            assert self._left is not None
            self._state, how = self._left
            self._take(how, "")
            self._left = None
            self._within.pop()
            self._error = None
        elif kind == "ExecutionFailed":
            self._take("uncaught", "")

    def _enter(self, name: str) -> None:
        if self._left is None:
            self._taken.add(Transition(self._within[-1], "start", name))
        else:
            state, how = self._left
            choices = self._states[state].get("Choices")
            if choices is not None:
                nexts = [choice["Next"] for choice in choices]
                how = f"choice {nexts.index(name)}" if name in nexts else "default"
            self._taken.add(Transition(state, how, name))
        self._left, self._state, self._error = None, name, None

    def _leave(self, name: str) -> None:
        how = "next"
        if self._error is not None:
            how = f"catch {how_taken(self._states[name]['Catch'], self._error)}"
        self._left = (name, how)

    def _take(self, how: str, to: str) -> None:
        self._taken.add(Transition(self._state, how, to))


def _is(event: Mapping[str, Any], kind: str) -> bool:
    return str(event["type"]).endswith(kind)

"""Runs the state machines of jobs from their very definitions, at once: a wait moves a clock, a retry takes no time.

It knows the states and members that these two definitions have, and refuses any other. What the real interpreter makes
of them is tested where that runs; here it is about faults, of which there are many.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

MACHINES = Path(__file__).parents[2] / "functions" / "jobs"

type Event = dict[str, Any]


class Died(BaseException):
    """The process that did a task is gone: no handler of its own has a say in it."""


class HungError(Exception):
    """A task that does not come back: the machine's own timeout ends the state."""


@dataclass(frozen=True, slots=True)
class MachineError(Exception):
    """What a state has failed with, by the machine's name for it."""

    name: str


@dataclass(slots=True)
class Execution:
    """What became of one run: ``FAILED`` is an execution that no Catch has saved."""

    status: str = "RUNNING"
    error: str | None = None
    states: list[str] = field(default_factory=list)
    """Each state entered, in order."""
    retries: int = 0


def definition(name: str) -> dict[str, Any]:
    """A machine as the repository has it: ``images`` or ``videos``."""
    found: dict[str, Any] = yaml.safe_load((MACHINES / f"{name}.asl.yaml").read_text(encoding="utf-8"))
    return found


@dataclass(slots=True)
class MachineDriver:
    """Runs a machine.

    Attributes:
        machine: its definition.
        invoke: calls the function of the tasks.
        waits: told of the seconds that pass.
        is_woken: whether a token has been sent back; asked once its task has ended, and then time is up.
    """

    machine: dict[str, Any]
    invoke: Callable[[Event], Awaitable[Any]]
    waits: Callable[[float], None]
    is_woken: Callable[[str], bool] = lambda _token: False
    longest: int = 1_500
    """States that a run may enter: more are a machine that does not end."""
    tokens: int = 0

    async def run(self, given: Event) -> Execution:
        """Run it from its start."""
        execution = Execution()
        try:
            await self._states(self.machine, given, {}, execution)
        except MachineError as error:
            execution.status, execution.error = "FAILED", error.name
        else:
            execution.status = "SUCCEEDED"
        return execution

    async def _states(
        self, machine: Mapping[str, Any], given: Any, context: Event, execution: Execution
    ) -> None:
        name, value = machine["StartAt"], given
        while True:
            state = machine["States"][name]
            execution.states.append(name)
            assert len(execution.states) < self.longest, execution.states[-20:]
            try:
                match state["Type"]:
                    case "Succeed":
                        return
                    case "Pass":
                        assert set(state) <= {"Type", "End"}
                    case "Choice":
                        name = _chosen(state, value)
                        continue
                    case "Wait":
                        self.waits(_at(state["SecondsPath"], value, context))
                    case "Task" | "Map":
                        value = await self._retried(state, value, context, execution)
                    case other:
                        raise AssertionError(f"the driver knows no state of the type {other}")
            except MachineError as error:
                caught = _matching(state.get("Catch", ()), error.name)
                if caught is None:
                    raise
                if caught["ResultPath"] is not None:
                    value = {**value, caught["ResultPath"].removeprefix("$."): {"Error": error.name}}
                name = caught["Next"]
                continue
            if state.get("End"):
                return
            name = state["Next"]

    async def _retried(
        self, state: Mapping[str, Any], value: Any, context: Event, execution: Execution
    ) -> Any:
        made = dict[int, int]()
        while True:
            try:
                if state["Type"] == "Map":
                    await self._mapped(state, value, context, execution)
                    return value
                return await self._task(state, value, context)
            except MachineError as error:
                retrier = _matching(state.get("Retry", ()), error.name)
                if retrier is None or made.get(id(retrier), 0) >= retrier["MaxAttempts"]:
                    raise
                made[id(retrier)] = made.get(id(retrier), 0) + 1
                execution.retries += 1

    async def _mapped(
        self, state: Mapping[str, Any], value: Any, context: Event, execution: Execution
    ) -> None:
        assert state["ResultPath"] is None
        for item in _at(state["ItemsPath"], value, context):
            inner = {**context, "Map": {"Item": {"Value": item}}}
            chosen = _filled(state["ItemSelector"], value, inner)
            await self._states(state["ItemProcessor"], chosen, inner, execution)

    async def _task(self, state: Mapping[str, Any], value: Any, context: Event) -> Any:
        self.tokens += 1
        token = f"token-{self.tokens}"
        waiting = {"${Invoke}": False, "${InvokeAndWait}": True}[state["Resource"]]
        parameters = _filled(state["Parameters"], value, {**context, "Task": {"Token": token}})
        try:
            payload = await self.invoke(parameters["Payload"])
        except Died:
            raise MachineError("Lambda.Unknown") from None
        except HungError:
            raise MachineError("States.Timeout") from None
        except Exception as error:  # as Lambda tells Step Functions of it: by its name
            raise MachineError(type(error).__name__) from error
        if waiting and not self.is_woken(token):
            self.waits(_at(state["TimeoutSecondsPath"], value, context))
            raise MachineError("States.Timeout")
        result: Any = {"Payload": payload}
        if "ResultSelector" in state:
            return _filled(state["ResultSelector"], result, context)
        assert state["ResultPath"] is None
        return value


def _matching(rules: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    return next((rule for rule in rules if {name, "States.ALL"} & set(rule["ErrorEquals"])), None)


def _chosen(state: Mapping[str, Any], value: Any) -> str:
    for choice in state["Choices"]:
        if _at(choice["Variable"], value, {}) is choice["BooleanEquals"]:
            return str(choice["Next"])
    return str(state["Default"])


def _filled(template: Mapping[str, Any], value: Any, context: Event) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for member, given in template.items():
        if isinstance(given, Mapping):
            filled[member] = _filled(given, value, context)
        elif member.endswith(".$"):
            filled[member.removesuffix(".$")] = _at(given, value, context)
        else:
            filled[member] = given
    return filled


def _at(path: str, value: Any, context: Event) -> Any:
    found = context if path.startswith("$$.") else value
    for member in path.removeprefix("$$.").removeprefix("$.").split("."):
        found = found[member]
    return found

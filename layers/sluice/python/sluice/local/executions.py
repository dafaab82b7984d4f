"""Where moto's Step Functions is not like Step Functions, and what is done about it.

moto has an interpreter of state machines, which it uses when it is told to. It runs each execution in threads, and each
task in one more.
"""

import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from moto.core.config import default_user_config
from moto.stepfunctions import models
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends
from moto.stepfunctions.parser.utils import TMP_THREADS

from sluice.local.execution_events import status_event
from sluice.local.far_functions import FarFunctions

KEPT = 500
"""How many executions of a machine that have ended can still be looked at. AWS keeps them for 90 days."""

STACK_BYTES = 1024 * 1024
"""Of a thread; there may be a thousand of them, and the usual 8 MB of each would be reserved."""

type Method = Callable[..., Any]


def run_executions(functions: FarFunctions) -> None:
    """Have executions really run, their tasks by these functions, and their ends told.

    moto's clients of Lambda take 50 ms to be made, once for each task, and look for functions in moto. And
    CloudFormation makes its machines where nothing runs them.
    """
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    threading.stack_size(STACK_BYTES)
    _put(models, "stepfunctions_backends", stepfunctions_parser_backends)
    _put(lambda_eval_utils, "boto_client_for", lambda **_: functions)
    mends = _Mends(functions)
    _replace(StepFunctionsParserBackend, "start_execution", mends.guarded)
    _replace(StepFunctionsParserBackend, "stop_execution", mends.guarded)
    _replace(EvalComponent, "_log_failure_event_exception", lambda _: unlogged)
    _replace(ExecutionWorker, "_get_evaluation_entrypoint", _read_once)
    _replace(ExecutionWorker, "_get_evaluation_environment", _made_once)
    _replace(ExecutionWorker, "_execution_logic", _unless_stopped)
    _replace(ExecutionWorker, "start", _with_its_environment)
    _replace(BaseExecutionWorkerCommunication, "terminated", mends.ended_once)
    _replace(Execution, "stop", mends.stopped_at_once)


def _replace(owner: type, name: str, replacement: Callable[[Method], Method]) -> None:
    setattr(owner, name, replacement(getattr(owner, name)))


def _put(module: ModuleType, name: str, value: Any) -> None:
    """Put something in the place of what a module of moto's knows by a name, which has to be there."""
    getattr(module, name)
    setattr(module, name, value)


def unlogged(_: EvalComponent, failure_event_exception: Exception) -> None:
    """Log nothing of a task that fails, where moto logs the whole machine, several times over, which takes long.

    What the machine makes of the failure is in the execution's history, and in its end.
    """


class _Mends:
    """What needs a lock, so that an execution ends once, and of two with one name one is started."""

    def __init__(self, functions: FarFunctions) -> None:
        self._functions = functions
        self._lock = threading.RLock()
        self._ended: dict[str, deque[Execution]] = {}

    def guarded(self, method: Method) -> Method:
        """Let one call be answered at a time: moto looks whether a name is taken, and then takes it."""

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                return method(*args, **kwargs)

        return call

    def ended_once(self, terminated: Method) -> Method:
        """Leave an execution that was stopped as it is, when its last thread comes to its end."""

        def call(communication: BaseExecutionWorkerCommunication) -> None:
            execution = communication.execution
            with self._lock:
                if execution.stop_date is not None:
                    return
                terminated(communication)
            self._over(execution)

        return call

    def stopped_at_once(self, stop: Method) -> Method:
        """Have an execution be over as soon as it is stopped, as it is at AWS, whatever its threads wait for.

        What a task does goes on to its end; nothing follows from it.
        """

        def call(execution: Execution, stop_date: datetime, error: str | None, cause: str | None) -> None:
            with self._lock:
                if execution.stop_date is not None:
                    return
                execution.stop_date = stop_date.replace(tzinfo=UTC)
                execution.exec_status = ExecutionStatus.ABORTED
                stop(execution, stop_date, error, cause)
            self._over(execution)

        return call

    def _over(self, execution: Execution) -> None:
        TMP_THREADS.clear()  # moto keeps every thread that there ever was
        self._forget_old_ones(execution)
        self._functions.tell(status_event(execution))

    def _forget_old_ones(self, execution: Execution) -> None:
        with self._lock:
            ended = self._ended.setdefault(execution.state_machine_arn, deque())
            ended.append(execution)
            if len(ended) > KEPT:
                oldest = ended.popleft()
                backend = stepfunctions_parser_backends[execution.account_id][execution.region_name]
                machine: Any = backend.describe_state_machine(execution.state_machine_arn)
                machine.executions.remove(oldest)


def _read_once(read: Method) -> Method:
    """Read a definition once and not for each execution, which takes 20 ms: what it is read into keeps no state."""
    programs: dict[str, Any] = {}

    def program(worker: ExecutionWorker) -> Any:
        definition = worker._evaluation_details.state_machine_details.definition  # noqa: SLF001 - its own method reads it
        if definition not in programs:
            programs[definition] = read(worker)
        return programs[definition]

    return program


def _made_once(make: Method) -> Method:
    """An execution's environment is made at its start, so that there is something to stop and to wake."""

    def environment(worker: ExecutionWorker) -> Any:
        if worker.env is None:
            worker.env = make(worker)
            worker.env.next_state_name = ""  # it counts as running from now on
        return worker.env

    return environment


def _with_its_environment(start: Method) -> Method:
    def call(worker: ExecutionWorker) -> None:
        worker._get_evaluation_environment()  # noqa: SLF001 - see _made_once
        start(worker)

    return call


def _unless_stopped(logic: Method) -> Method:
    def call(worker: ExecutionWorker) -> None:
        if worker.env is None or not worker.env.is_running():
            return
        try:
            logic(worker)
        except RuntimeError:  # also what says that one that was stopped meanwhile has no next state
            if worker.env.is_running():
                raise

    return call

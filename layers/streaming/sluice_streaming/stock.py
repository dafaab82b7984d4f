"""Everything that is taken from awslambdaric, the runtime that Lambda itself ships for Python.

awslambdaric promises no stable interface, so its version is pinned with this package and no other module
imports it. Should it learn to stream, this is the seam at which it comes back.
"""

import importlib
import logging
import os
import traceback
from typing import Any, cast

from awslambdaric import bootstrap as _bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
from awslambdaric.lambda_runtime_exception import FaultException as FaultException

from sluice_streaming.asgi import Application
from sluice_streaming.invocation import Fault, Invocation

# Typed as Any once: the package has no annotations.
bootstrap = cast("Any", _bootstrap)
_client = cast("Any", LambdaRuntimeClient)
_fault_exception = cast("Any", FaultException)

_FOLDER = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
_OWN_FOLDERS = tuple(
    file.rpartition("/")[0] + "/" for file in (__file__, _bootstrap.__file__, importlib.__file__)
)


class Log:
    """The platform's log: the root logger's handler, and the sink for faults.

    Args:
        filter_: marks the records in place of awslambdaric's filter, which reads a module global.
    """

    def __init__(self, filter_: logging.Filter) -> None:
        self.sink = bootstrap.init_logging()
        for handler in logging.getLogger().handlers:
            for stock_filter in list(handler.filters):
                handler.removeFilter(stock_filter)
            handler.addFilter(filter_)

    def fault(self, fault: Fault) -> None:
        """Write a fault as Lambda shows it: one entry with its stack trace."""
        bootstrap.log_error(fault.error, self.sink)

    def close(self) -> None:
        """Give the telemetry descriptor back, if there was one."""
        self.sink.__exit__(None, None, None)


def load_application(handler: str) -> Application:
    """Import the application that ``module.attribute`` names.

    Raises:
        Exception: whatever the import raised; awslambdaric's FaultException where the name is at fault.
    """
    application = bootstrap._get_handler(handler)  # noqa: SLF001 - for its error types, which Lambda shows
    if not callable(application):
        raise _fault_exception(FaultException.HANDLER_NOT_FOUND, f"Handler '{handler}' is not callable")
    return cast("Application", application)


def context_of(invocation: Invocation) -> Any:
    """Build the LambdaContext of an invocation; ``xray_trace_id`` is added to what awslambdaric puts there.

    Raises:
        FaultException: the client context or the identity is not JSON.
    """
    context = bootstrap.create_lambda_context(
        invocation.client_context,
        invocation.cognito_identity,
        invocation.deadline_ms,
        invocation.request_id,
        invocation.function_arn,
        invocation.tenant_id,
    )
    context.xray_trace_id = invocation.trace_id
    return context


def set_trace_id(trace_id: str | None) -> None:
    """Set _X_AMZN_TRACE_ID for the X-Ray SDK; only where one request at a time is in flight."""
    bootstrap.update_xray_env_variable(trace_id)


def fault_of(exception: BaseException, request_id: str = "") -> Fault:
    """Render an exception; the runtime's own frames on the way to the application are left out.

    Of a task group that failed with one exception, it is that exception that says what happened.
    """
    while isinstance(exception, BaseExceptionGroup) and len(exception.exceptions) == 1:
        exception = exception.exceptions[0]
    if isinstance(exception, FaultException):
        named = cast("Any", exception)
        error = bootstrap.make_error(named.msg, named.exception_type, named.trace, request_id)
        return Fault(error, bootstrap.make_xray_fault(error["errorType"], named.msg, _FOLDER, []))
    trace = exception.__traceback__
    while trace is not None and _is_own(trace.tb_frame.f_code.co_filename) and trace.tb_next is not None:
        trace = trace.tb_next
    kind, message = type(exception).__name__, str(exception)
    frames = bootstrap.extract_traceback(trace)
    error = bootstrap.make_error(message, kind, traceback.format_list(frames), request_id)
    return Fault(error, bootstrap.make_xray_fault(kind, message, _FOLDER, frames))


def _is_own(filename: str) -> bool:
    return filename.startswith((*_OWN_FOLDERS, "<frozen importlib"))


def report_init_error(address: str, fault: Fault) -> None:
    """Tell the platform that the environment cannot be initialised.

    Raises:
        OSError: the Runtime API cannot be reached.
        LambdaRuntimeClientError: it does not accept the report.
    """
    _client(address).post_init_error(fault.error)


def pass_snapshot(address: str, log: Log) -> None:
    """Run the hooks for before the snapshot, wait to be restored, run the hooks for after it.

    No event loop may be running: hooks are plain functions and may want to run one.

    Raises:
        SystemExit: a hook failed, which has been reported; 64 before the snapshot, 65 after it.
    """
    bootstrap.on_init_complete(_client(address), log.sink)

"""A bridge whose functions are the test's, and the state machines of a stand-in for AWS that call them."""

import json
import queue
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import ClientError

from local_stack import botocore_client
from sluice.local.aws_process import LocalAWS

GUARD_SECONDS = 30
"""Nothing is waited for longer; a passing test never comes near."""

ROLE = "arn:aws:iam::123456789012:role/r"

type Function = Callable[[Any], Any]


class TaskError(Exception):
    """What a function fails with, under a name of the test's."""


class ScriptedBridge:
    """The address of a server that answers as the bridge does.

    Args:
        function: is called for every function; it gets the payload.
    """

    def __init__(self, function: Function) -> None:
        self.called: list[tuple[str, Any]] = []
        """Names of functions and payloads, in the order of the calls."""
        self.events: queue.Queue[Mapping[str, Any]] = queue.Queue()
        self._function = function
        bridge = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                headers, reply = bridge._answer(urllib.parse.unquote(self.path), body)
                content = json.dumps(reply).encode()
                self.send_response(200)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 512
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: Any) -> None:
                """The stand-in has ended while a function ran."""

        self._server = Server(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def next_end(self) -> tuple[str, str]:
        """Name and status of the next execution that has ended."""
        detail = self.events.get(timeout=GUARD_SECONDS)["detail"]
        return detail["name"], detail["status"]

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()

    def _answer(self, path: str, body: Any) -> tuple[dict[str, str], Any]:
        if path == "/events":
            self.events.put(body)
            return {}, None
        self.called.append((path.split("/")[3], body))
        try:
            return {}, self._function(body)
        except TaskError as error:
            return {"X-Amz-Function-Error": "Unhandled"}, {
                "errorType": str(error),
                "errorMessage": "scripted",
            }


class Machines:
    """Makes machines in a stand-in for AWS, and starts and stops their executions."""

    def __init__(self, local_aws: LocalAWS) -> None:
        self.pid = local_aws.pid
        self.client = botocore_client(local_aws.endpoint, "stepfunctions")

    def made(self, name: str, states: Mapping[str, Any], **members: Any) -> str:
        """The ARN of a new machine that starts with the first of its states."""
        program = {"StartAt": next(iter(states)), "States": states, **members}
        made = self.client.create_state_machine(name=name, definition=json.dumps(program), roleArn=ROLE)
        return str(made["stateMachineArn"])

    def start(self, machine: str, execution: str, **members: Any) -> str:
        """The ARN of a new execution of that name."""
        started = self.client.start_execution(
            stateMachineArn=machine, name=execution, input=json.dumps(members)
        )
        return str(started["executionArn"])

    def status(self, execution: str) -> str:
        return str(self.client.describe_execution(executionArn=execution)["status"])

    def error_of(self, call: Callable[[], Any]) -> str:
        """The code that AWS refuses a call with."""
        try:
            call()
        except ClientError as error:
            return error.response["Error"]["Code"]
        raise AssertionError("it was not refused")


@contextmanager
def running_machines(function: Function) -> Iterator[tuple[ScriptedBridge, Machines]]:
    """A stand-in for AWS that runs state machines, whose tasks are one function of the test's."""
    bridge = ScriptedBridge(function)
    with bridge.serving(), LocalAWS(bridge.address) as local_aws:
        machines = Machines(local_aws)
        yield bridge, machines
        machines.client.close()


def task(function: str = "One", wait: bool = False, **members: Any) -> dict[str, Any]:
    """A task state that hands its input to a function."""
    payload: dict[str, Any] = {"input.$": "$"} | ({"token.$": "$$.Task.Token"} if wait else {})
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke" + (".waitForTaskToken" if wait else ""),
        "Parameters": {
            "FunctionName": f"arn:aws:lambda:us-east-1:123456789012:function:{function}",
            "Payload": payload,
        },
        "TimeoutSeconds": 60,
        **(members if {"Next", "End"} & members.keys() else {**members, "End": True}),
    }

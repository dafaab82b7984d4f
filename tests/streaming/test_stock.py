"""What is taken from awslambdaric still fits."""

import json
import os
import subprocess
import sys

import awslambdaric

from runtime_process import PYTHONPATH, REPOSITORY
from sluice_streaming import stock
from sluice_streaming.invocation import Fault, Invocation


def raised(error: Exception) -> Fault:
    try:
        raise error
    except type(error) as caught:
        return stock.fault_of(caught, "request-1")


def test_the_layer_carries_the_version_that_is_tested() -> None:
    pins = (REPOSITORY / "layers/streaming/requirements.txt").read_text().split()
    assert f"awslambdaric=={awslambdaric.__version__}" in pins


def test_a_fault_in_both_shapes() -> None:
    fault = raised(KeyError("model"))
    [frame] = fault.error["stackTrace"]
    assert "in raised\n    raise error\n" in frame
    assert (fault.error["errorType"], fault.error["errorMessage"]) == ("KeyError", "'model'")
    assert fault.error["requestId"] == "request-1"
    [cause] = fault.xray["exceptions"]
    assert (cause["type"], cause["message"], cause["stack"][0]["label"]) == ("KeyError", "'model'", "raised")


def test_a_context_knows_what_the_platform_said() -> None:
    client = json.dumps({"custom": {"a": 1}, "client": {}, "env": {}})
    context = stock.context_of(
        Invocation(
            "request-1", b"", 4102444800000, "arn:f", "Root=1", client, '{"cognitoIdentityId": "i"}', "blue"
        )
    )
    assert (context.aws_request_id, context.invoked_function_arn, context.tenant_id) == (
        "request-1",
        "arn:f",
        "blue",
    )
    assert (context.client_context.custom, context.identity.cognito_identity_id) == ({"a": 1}, "i")
    assert context.xray_trace_id == "Root=1"
    assert context.get_remaining_time_in_millis() > 0


def test_a_task_group_is_named_by_the_one_exception_in_it() -> None:
    assert (
        raised(ExceptionGroup("unhandled", [ExceptionGroup("", [OSError("cause")])])).error["errorType"]
        == "OSError"
    )
    several = ExceptionGroup("unhandled", [OSError(), ValueError()])
    assert raised(several).error["errorType"] == "ExceptionGroup"


def test_the_log_goes_to_the_telemetry_descriptor_in_frames() -> None:
    script = """
import logging
from sluice_streaming import stock
from sluice_streaming.request_ids import RequestIds

request_ids = RequestIds(one_at_a_time=False)
log = stock.Log(request_ids)
with request_ids.serving("request-1", None):
    logging.error("line\\nof two")
    log.fault(stock.fault_of(ValueError("fault")))
log.close()
"""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        try:
            run = subprocess.run(
                [sys.executable, "-W", "error", "-c", script],
                env={"PYTHONPATH": str(PYTHONPATH[0]), "_LAMBDA_TELEMETRY_LOG_FD": str(writing)},
                pass_fds=[writing],
                capture_output=True,
                check=True,
            )
        finally:
            os.close(writing)
        frames = pipe.read()
    assert run.stdout == run.stderr == b""
    texts = []
    while frames:
        length = int.from_bytes(frames[4:8], "big")
        texts.append(frames[16 : 16 + length].decode())
        frames = frames[16 + length :]
    line, fault = texts
    assert line.endswith("Z\trequest-1\tline\nof two\n")
    assert fault.startswith("[ERROR] ValueError: fault\n")

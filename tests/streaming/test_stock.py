"""What is taken from awslambdaric still fits."""

import json

import awslambdaric

from runtime_process import REPOSITORY
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

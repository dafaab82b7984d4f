"""What API Gateway answers by itself."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sluice.asgi.security_headers import security_headers
from sluice.errors import (
    NotFoundError,
    RequestTooLargeError,
    SluiceError,
    UpstreamTimeoutError,
)


def gateway_responses(translated: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = translated["Resources"]["Api"]["Properties"]["Body"][
        "x-amazon-apigateway-gateway-responses"
    ]
    return found


def envelope(response: Mapping[str, Any]) -> dict[str, Any]:
    """What a client reads, with API Gateway's own words (a JSON string) put in."""
    text = response["responseTemplates"]["application/json"]
    filled = text.replace("$context.error.messageString", '"its own words"')
    found: dict[str, Any] = json.loads(filled)
    return found


def test_api_gateways_own_errors_have_the_envelope_and_a_request_id(translated: dict[str, Any]) -> None:
    responses = gateway_responses(translated)
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "INTEGRATION_TIMEOUT"} <= responses.keys()
    for response in responses.values():
        parameters = response["responseParameters"]
        assert parameters["gatewayresponse.header.x-request-id"] == "context.requestId"
        assert parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
        assert parameters["gatewayresponse.header.Access-Control-Expose-Headers"] == "'*'"
        body = envelope(response)
        assert list(body) == ["error"]
        assert set(body["error"]) == {"message", "type", "param", "code"}
        assert body["error"]["message"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("MISSING_AUTHENTICATION_TOKEN", NotFoundError),
        ("INVALID_SIGNATURE", NotFoundError),
        ("RESOURCE_NOT_FOUND", NotFoundError),
        ("REQUEST_TOO_LARGE", RequestTooLargeError),
        ("INTEGRATION_TIMEOUT", UpstreamTimeoutError),
    ],
)
def test_where_a_function_has_an_answer_api_gateways_is_the_same(
    translated: dict[str, Any], name: str, error: type[SluiceError]
) -> None:
    response = gateway_responses(translated)[name]
    found = envelope(response)["error"]
    assert int(response["statusCode"]) == error.status
    assert (found["type"], found["code"]) == (error.type, error.code)


@pytest.mark.parametrize("name", ["THROTTLED", "QUOTA_EXCEEDED"])
def test_a_throttled_client_is_told_when_to_try_again(translated: dict[str, Any], name: str) -> None:
    response = gateway_responses(translated)[name]
    assert int(response["statusCode"]) == 429
    assert response["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"
    assert envelope(response)["error"]["code"] == "rate_limit_exceeded"


def test_api_gateways_own_replies_tell_a_browser_what_the_functions_do(translated: dict[str, Any]) -> None:
    """But for the quotes in the policy: a list without sources is one of ``'none'``, and needs none."""
    expected = {
        name: "'" + value.replace(" 'none'", "") + "'"
        for name, value in security_headers(deployed=True).items()
    }
    for response in gateway_responses(translated).values():
        found = {
            name.removeprefix("gatewayresponse.header.").lower(): value
            for name, value in response["responseParameters"].items()
        }
        assert expected.items() <= found.items()
        assert all(value.count("'") in {0, 2} for value in found.values())

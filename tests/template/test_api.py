"""The API: routes, time-outs, pages of other origins, limits of addresses, and the log of accesses."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from local_stack import ROOT, blueprint
from sluice.config import (
    AddressSettings,
    ConfigurationError,
    MediaSettings,
    Settings,
    WebhookAddressSettings,
)
from sluice.local.functions import load_app
from template_parts import answers_requests, functions, methods, resources

SETTLING_SECONDS = 30
STREAMED = {
    "/v1/chat": "ChatFunction",
    "/v1/chat/completions": "ChatFunction",
    "/v1/completions": "CompletionsFunction",
    "/v1/embeddings": "EmbeddingsFunction",
    "/v1/images/generations": "ImagesFunction",
    "/v1/images/generations/{id}": "ImagesFunction",
}
LONGEST = {
    "ChatFunction": Settings.model_fields["stream_timeout_seconds"].default,
    "CompletionsFunction": Settings.model_fields["stream_timeout_seconds"].default,
    "EmbeddingsFunction": Settings.model_fields["timeout_seconds"].default,
    "ImagesFunction": MediaSettings.model_fields["image_timeout_seconds"].default,
}
"""How long a request of each may take."""


def test_access_logs_hold_neither_headers_nor_queries(template: dict[str, Any]) -> None:
    log = template["Resources"]["Api"]["Properties"]["AccessLogSetting"]["Format"]
    line = json.loads(log)
    assert line["requestId"] == "$context.requestId"
    assert all(value.startswith("$context.") for value in line.values())
    assert not re.search("header|query|authorizer|requestOverride", log, re.IGNORECASE)
    assert line["path"] == "$context.resourcePath"  # without what stands in the place of {secret}


def test_forms_come_as_they_are_sent_and_everything_else_as_text(translated: dict[str, Any]) -> None:
    body = translated["Resources"]["Api"]["Properties"]["Body"]
    assert body["x-amazon-apigateway-binary-media-types"] == ["multipart/form-data"]


def test_the_api_is_regional_and_throttled(translated: dict[str, Any]) -> None:
    api = translated["Resources"]["Api"]["Properties"]
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    stages = resources(translated, "AWS::ApiGateway::Stage")
    assert len(stages) == 1
    (setting,) = next(iter(stages.values()))["Properties"]["MethodSettings"]
    assert (setting["HttpMethod"], setting["ResourcePath"]) == ("*", "/*")
    assert setting["ThrottlingRateLimit"] == {"Ref": "ThrottleRate"}
    assert setting["ThrottlingBurstLimit"] == {"Ref": "ThrottleBurst"}
    assert not setting.get("MetricsEnabled")  # a metric of each path and method is 30 cents a month


def test_routes_to_models_stream_and_no_others(translated: dict[str, Any]) -> None:
    streamed = set()
    for path, method, integration in methods(translated):
        assert method == "x-amazon-apigateway-any-method"
        assert integration["type"] == "aws_proxy"
        uri = integration["uri"]["Fn::Sub"]
        if integration.get("responseTransferMode") == "STREAM":
            streamed.add(path)
            name = STREAMED[path.removeprefix("/api")]
            called = f"{name}Aliaslive"
            assert uri.endswith(f"/2021-11-15/functions/${{{called}}}/response-streaming-invocations")
        else:
            assert re.search(r"/functions/\$\{\w+FunctionAliaslive\}/invocations$", uri)
    assert streamed == {prefix + path for prefix in ("", "/api") for path in STREAMED}


def test_a_request_has_the_time_that_the_settings_give_it(
    template: dict[str, Any], translated: dict[str, Any]
) -> None:
    timeouts = {name: functions(template)[name]["Timeout"] for name in STREAMED.values()}
    for name, timeout in timeouts.items():
        assert timeout >= LONGEST[name] + SETTLING_SECONDS
    for path, _, integration in methods(translated):
        if integration.get("responseTransferMode") == "STREAM":
            assert integration["timeoutInMillis"] >= timeouts[STREAMED[path.removeprefix("/api")]] * 1000


def test_streaming_functions_start_the_streaming_runtime(template: dict[str, Any]) -> None:
    layer = template["Resources"]["StreamingLayer"]["Properties"]["ContentUri"]
    for function in functions(template).values():
        events = function.get("Events", {}).values()
        streams = any("ResponseTransferMode" in event["Properties"] for event in events)
        variables = function.get("Environment", {}).get("Variables", {})
        wrapper = variables.get("AWS_LAMBDA_EXEC_WRAPPER")
        assert streams == (wrapper is not None) == ({"Ref": "StreamingLayer"} in function.get("Layers", []))
        assert function["Handler"] == ("app.app" if streams else "app.handler")
        if wrapper is not None:
            assert (ROOT / layer / Path(wrapper).name).is_file()


async def test_functions_serve_the_paths_that_the_template_sends_them() -> None:
    for function in blueprint().functions:
        if function.routes:
            app: Any = load_app(function)
            served = {re.sub(r"\{(\w+):path\}", r"{\1+}", path) for path in app.methods}
            assert {route.path for route in function.routes} == served


def test_every_function_that_clients_reach_limits_addresses_where_nobody_else_does(
    template: dict[str, Any],
) -> None:
    for function in functions(template).values():
        if not answers_requests(function):
            continue
        assert function["Environment"]["Variables"]["SLUICE_IP_RPM"] == {
            "Fn::If": ["LimitAddressesByTable", {"Ref": "IpRequestsPerMinute"}, "0"]
        }
    default = template["Parameters"]["IpRequestsPerMinute"]["Default"]
    assert default == AddressSettings.model_fields["ip_rpm"].default
    assert template["Parameters"]["IpLimit"]["Default"] == "table"


def test_every_function_that_clients_reach_says_which_pages_may_read_its_replies(
    template: dict[str, Any],
) -> None:
    for function in functions(template).values():
        variables = function["Environment"]["Variables"]
        assert variables.get("SLUICE_CORS_ORIGINS") == (
            {"Ref": "CorsOrigins"} if answers_requests(function) else None
        )
    assert AddressSettings.model_fields["cors_origins"].default == frozenset()


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("*", True),
        ("", True),
        ("https://app.example.com", True),
        ("https://app.example.com, http://localhost:5173", True),
        ("http://[::1]:8080,https://app.example.com:8443", True),
        ("http://localhost:8000, https://localhost:4430", True),
        ("https://app.example.com/", False),
        ("app.example.com", False),
        ("*,https://app.example.com", False),
        ("https://App.example.com", False),
        ("https://app.example.com:443", False),
        ("https://app.example.com, http://localhost:80", False),
        ("https://app.example.com:999999", False),
        ("https://app.example.com?x", False),
        ("https://me@app.example.com", False),
        ("https://app.example.com,", False),
        (",https://app.example.com", False),
        ("https://app.example.com https://b.example.com", False),
    ],
)
def test_origins_that_the_template_takes_the_functions_take(
    template: dict[str, Any], value: str, right: bool
) -> None:
    parameter = template["Parameters"]["CorsOrigins"]
    assert parameter["Default"] == "*"
    assert (re.fullmatch(parameter["AllowedPattern"], value) is not None) == right
    variables = {"SLUICE_COUNTERS_TABLE": "counters", "SLUICE_CORS_ORIGINS": value}
    with contextlib.nullcontext() if right else pytest.raises(ConfigurationError):
        AddressSettings.from_environment(variables)


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("", True),
        ("hooks.example.com:8080", True),
        ("127.0.0.1:9000, [::1]:443", True),
        ("hooks.example.com", False),
        ("https://hooks.example.com:8080", False),
        ("hooks.example.com:8080,", False),
        ("hooks.example.com:8080 b:1", False),
    ],
)
def test_hosts_of_webhooks_that_the_template_takes_the_functions_take(
    template: dict[str, Any], value: str, right: bool
) -> None:
    parameter = template["Parameters"]["WebhookHosts"]
    assert (re.fullmatch(parameter["AllowedPattern"], value) is not None) == right
    with contextlib.nullcontext() if right else pytest.raises(ConfigurationError):
        WebhookAddressSettings.from_environment({"SLUICE_WEBHOOK_HOSTS": value})

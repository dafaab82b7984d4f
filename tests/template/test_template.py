"""What the template has to hold, whatever else it says."""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local_stack import ROOT, blueprint
from sluice.config import (
    AccountingSettings,
    AddressSettings,
    ConfigurationError,
    DocsSettings,
    EnvironmentSettings,
    ModelsSettings,
    ProviderCheckSettings,
    RollUpSettings,
    Settings,
)
from sluice.errors import (
    NotFoundError,
    RateLimitError,
    RequestTooLargeError,
    SluiceError,
    UpstreamTimeoutError,
)
from sluice.local.functions import load_app, load_handler
from sluice.pipeline.model_status import FRESH_SECONDS

RETAINED = ("Retain", "Retain")
SETTLING_SECONDS = 30
MANAGED_POLICIES = {
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",  # writes its log
    "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess",  # sends its traces
}
STREAMED = {
    "/v1/chat": "ChatFunction",
    "/v1/chat/completions": "ChatFunction",
    "/v1/completions": "CompletionsFunction",
    "/v1/embeddings": "EmbeddingsFunction",
}
STREAM_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole"
"""SAM gives it to a function that a stream calls, so that Lambda can read the stream."""
ANSWER = {
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
    "secretsmanager:GetSecretValue",
}
ACTIONS = {
    "ChatFunction": ANSWER,
    "CompletionsFunction": ANSWER,
    "EmbeddingsFunction": ANSWER,
    "DocsFunction": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
    "CheckHealthFunction": {
        "dynamodb:PutItem",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "secretsmanager:GetSecretValue",
    },
    "ModelsFunction": {"dynamodb:GetItem", "dynamodb:Scan", "dynamodb:UpdateItem"},
    "ReclaimHoldsFunction": {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
    },
    "RollUpUsageFunction": {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"},
    "SyncCatalogFunction": {"dynamodb:Scan", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue"},
}
SETTINGS: dict[str, type[EnvironmentSettings]] = {
    "ChatFunction": Settings,
    "CompletionsFunction": Settings,
    "EmbeddingsFunction": Settings,
    "DocsFunction": DocsSettings,
    "CheckHealthFunction": ProviderCheckSettings,
    "ModelsFunction": ModelsSettings,
    "ReclaimHoldsFunction": AccountingSettings,
    "RollUpUsageFunction": RollUpSettings,
    "SyncCatalogFunction": ProviderCheckSettings,
}


def resources(template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {name: found for name, found in template["Resources"].items() if found["Type"] == kind}


def functions(template: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: function["Properties"]
        for name, function in resources(template, "AWS::Serverless::Function").items()
    }


def rules_of(translated: Mapping[str, Any], function: str) -> list[dict[str, Any]]:
    """EventBridge's rules that call a function."""
    arn = {"Fn::GetAtt": [function, "Arn"]}
    rules = [rule["Properties"] for rule in resources(translated, "AWS::Events::Rule").values()]
    return [rule for rule in rules if [target["Arn"] for target in rule["Targets"]] == [arn]]


def answers_requests(function: Mapping[str, Any]) -> bool:
    """Whether clients can reach it."""
    return any(event["Type"] == "Api" for event in function.get("Events", {}).values())


def called_by_streams(translated: Mapping[str, Any]) -> set[str]:
    """The functions that a stream calls."""
    mappings = resources(translated, "AWS::Lambda::EventSourceMapping").values()
    return {mapping["Properties"]["FunctionName"]["Ref"] for mapping in mappings}


def methods(translated: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and integration of every route."""
    paths = translated["Resources"]["Api"]["Properties"]["Body"]["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            yield path, method, operation["x-amazon-apigateway-integration"]


def test_every_table_is_kept_encrypted_and_recoverable(template: dict[str, Any]) -> None:
    tables = resources(template, "AWS::DynamoDB::Table")
    assert tables
    for table in tables.values():
        assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == RETAINED
        properties = table["Properties"]
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert properties["SSESpecification"]["SSEEnabled"] is True
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_every_function_logs_to_a_group_of_its_own_that_forgets(template: dict[str, Any]) -> None:
    groups = resources(template, "AWS::Logs::LogGroup")
    used = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions(template).values()]
    assert len(set(used)) == len(used)
    assert set(used) <= groups.keys()
    for group in groups.values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_access_logs_hold_neither_headers_nor_queries(template: dict[str, Any]) -> None:
    log = template["Resources"]["Api"]["Properties"]["AccessLogSetting"]["Format"]
    line = json.loads(log)
    assert line["requestId"] == "$context.requestId"
    assert all(value.startswith("$context.") for value in line.values())
    assert not re.search("header|query|authorizer|requestOverride", log, re.IGNORECASE)


def test_the_api_is_regional_and_throttled(translated: dict[str, Any]) -> None:
    api = translated["Resources"]["Api"]["Properties"]
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    stages = resources(translated, "AWS::ApiGateway::Stage")
    assert len(stages) == 1
    (setting,) = next(iter(stages.values()))["Properties"]["MethodSettings"]
    assert (setting["HttpMethod"], setting["ResourcePath"]) == ("*", "/*")
    assert setting["ThrottlingRateLimit"] == {"Ref": "ThrottleRate"}
    assert setting["ThrottlingBurstLimit"] == {"Ref": "ThrottleBurst"}


def test_routes_to_models_stream_and_no_others(translated: dict[str, Any]) -> None:
    streamed = set()
    for path, method, integration in methods(translated):
        assert method == "x-amazon-apigateway-any-method"
        assert integration["type"] == "aws_proxy"
        uri = integration["uri"]["Fn::Sub"]
        if integration.get("responseTransferMode") == "STREAM":
            streamed.add(path)
            name = STREAMED[path.removeprefix("/api")]
            assert uri.endswith(f"/2021-11-15/functions/${{{name}.Arn}}/response-streaming-invocations")
        else:
            assert uri.endswith("/invocations")
    assert streamed == {prefix + path for prefix in ("", "/api") for path in STREAMED}


def test_a_request_has_the_time_that_the_settings_give_it(
    template: dict[str, Any], translated: dict[str, Any]
) -> None:
    timeouts = {name: functions(template)[name]["Timeout"] for name in STREAMED.values()}
    stream, whole = (
        Settings.model_fields[name].default for name in ("stream_timeout_seconds", "timeout_seconds")
    )
    for name, timeout in timeouts.items():
        longest = whole if name == "EmbeddingsFunction" else stream
        assert timeout >= longest + SETTLING_SECONDS
    for path, _, integration in methods(translated):
        if integration.get("responseTransferMode") == "STREAM":
            assert integration["timeoutInMillis"] >= timeouts[STREAMED[path.removeprefix("/api")]] * 1000


def test_streaming_functions_start_the_streaming_runtime(template: dict[str, Any]) -> None:
    layer = template["Resources"]["StreamingLayer"]["Properties"]["ContentUri"]
    for function in functions(template).values():
        streams = any("ResponseTransferMode" in event["Properties"] for event in function["Events"].values())
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


def test_functions_that_no_client_reaches_take_events() -> None:
    called = [function for function in blueprint().functions if not function.routes]
    assert called
    for function in called:
        assert function.streams or function.schedules
        assert callable(load_handler(function))


def test_functions_get_the_variables_that_they_read_and_no_others(template: dict[str, Any]) -> None:
    for name, function in functions(template).items():
        fields = SETTINGS[name].model_fields
        known = {f"SLUICE_{field.upper()}" for field in fields} | {"AWS_LAMBDA_EXEC_WRAPPER"}
        if answers_requests(function):
            known |= {"POWERTOOLS_METRICS_NAMESPACE"}
        required = {f"SLUICE_{field.upper()}" for field, info in fields.items() if info.is_required()}
        assert required <= set(function.get("Environment", {}).get("Variables", {})) <= known


def test_new_rows_of_the_ledger_are_delivered_until_they_are_added_up(translated: dict[str, Any]) -> None:
    (mapping,) = resources(translated, "AWS::Lambda::EventSourceMapping").values()
    properties = mapping["Properties"]
    assert properties["EventSourceArn"] == {"Fn::GetAtt": ["LedgerTable", "StreamArn"]}
    assert properties["FunctionName"] == {"Ref": "RollUpUsageFunction"}
    assert properties["StartingPosition"] == "TRIM_HORIZON"
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert [json.loads(each["Pattern"]) for each in properties["FilterCriteria"]["Filters"]] == [
        {"eventName": ["INSERT"]}
    ]
    # Nothing is given up: records live for a day, and what was not added up by then has no mark in the ledger.
    assert not properties.keys() & {"MaximumRetryAttempts", "MaximumRecordAgeInSeconds"}


def test_adding_up_writes_to_the_ledger_and_the_usage_table_alone(template: dict[str, Any]) -> None:
    (policy,) = functions(template)["RollUpUsageFunction"]["Policies"]
    assert {statement["Sid"]: statement["Resource"] for statement in policy["Statement"]} == {
        "MarkRows": {"Fn::GetAtt": ["LedgerTable", "Arn"]},
        "AddUp": {"Fn::GetAtt": ["UsageTable", "Arn"]},
    }


def test_holds_are_reclaimed_on_a_schedule_one_run_at_a_time(
    template: dict[str, Any], translated: dict[str, Any]
) -> None:
    (rule,) = rules_of(translated, "ReclaimHoldsFunction")
    assert rule["ScheduleExpression"] == "rate(15 minutes)"
    (function,) = [found for found in blueprint().functions if found.name == "ReclaimHoldsFunction"]
    (schedule,) = function.schedules
    assert functions(template)[function.name]["Timeout"] < schedule.seconds
    # What fails is tried again by the next run, and not beside it.
    for invocation in resources(translated, "AWS::Lambda::EventInvokeConfig").values():
        assert invocation["Properties"]["MaximumRetryAttempts"] == 0


@pytest.mark.parametrize(
    ("name", "rate"), [("CheckHealthFunction", "rate(15 minutes)"), ("SyncCatalogFunction", "rate(6 hours)")]
)
def test_providers_are_asked_on_a_schedule_and_after_each_deployment(
    translated: dict[str, Any], name: str, rate: str
) -> None:
    patterns = [rule.get("EventPattern") for rule in rules_of(translated, name)]
    (deployed,) = [pattern for pattern in patterns if pattern is not None]
    assert deployed == {
        "source": ["aws.cloudformation"],
        "detail-type": ["CloudFormation Stack Status Change"],
        "detail": {
            "stack-id": [{"Ref": "AWS::StackId"}],
            "status-details": {"status": ["CREATE_COMPLETE", "UPDATE_COMPLETE"]},
        },
    }
    assert [rule.get("ScheduleExpression") for rule in rules_of(translated, name)].count(rate) == 1
    (function,) = [found for found in blueprint().functions if found.name == name]
    assert (len(function.schedules), len(function.deployments)) == (1, 1)


def test_three_checks_of_health_are_believed(translated: dict[str, Any]) -> None:
    (function,) = [found for found in blueprint().functions if found.name == "CheckHealthFunction"]
    (schedule,) = function.schedules
    assert schedule.seconds * 3 == FRESH_SECONDS


def test_reclaiming_touches_counters_and_ledger_each_as_it_has_to(template: dict[str, Any]) -> None:
    (policy,) = functions(template)["ReclaimHoldsFunction"]["Policies"]
    assert [(statement["Action"], statement["Resource"]) for statement in policy["Statement"]] == [
        (
            ["dynamodb:GetItem", "dynamodb:Scan", "dynamodb:UpdateItem"],
            {"Fn::GetAtt": ["CountersTable", "Arn"]},
        ),
        (["dynamodb:GetItem", "dynamodb:PutItem"], {"Fn::GetAtt": ["LedgerTable", "Arn"]}),
    ]


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


async def test_metrics_tell_stacks_and_functions_apart(template: dict[str, Any]) -> None:
    for function in functions(template).values():
        variables = function["Environment"]["Variables"]
        assert variables.get("POWERTOOLS_METRICS_NAMESPACE") == (
            {"Ref": "AWS::StackName"} if answers_requests(function) else None
        )
    for found in blueprint().functions:
        if found.routes:
            app: Any = load_app(found)
            assert app.name == found.folder.name


def test_lambda_traces_by_itself(template: dict[str, Any]) -> None:
    assert template["Globals"]["Function"]["Tracing"] == "Active"
    assert template["Resources"]["Api"]["Properties"]["TracingEnabled"] is True


def test_who_only_shows_models_may_touch_counters_and_read_models(template: dict[str, Any]) -> None:
    statements = [
        statement
        for policy in functions(template)["ModelsFunction"]["Policies"]
        for statement in policy["Statement"]
    ]
    assert [(statement["Action"], statement["Resource"]) for statement in statements] == [
        (["dynamodb:GetItem", "dynamodb:UpdateItem"], {"Fn::GetAtt": ["CountersTable", "Arn"]}),
        ("dynamodb:Scan", {"Fn::GetAtt": ["ModelsTable", "Arn"]}),
    ]


def test_who_only_counts_addresses_may_touch_nothing_but_the_counters(template: dict[str, Any]) -> None:
    (policy,) = functions(template)["DocsFunction"]["Policies"]
    assert [statement["Resource"] for statement in policy["Statement"]] == [
        {"Fn::GetAtt": ["CountersTable", "Arn"]}
    ]


def test_counters_of_addresses_expire(template: dict[str, Any]) -> None:
    expiry = template["Resources"]["CountersTable"]["Properties"]["TimeToLiveSpecification"]
    assert expiry == {"AttributeName": "expires_at", "Enabled": True}


def test_the_firewall_is_there_only_where_it_has_the_limit(translated: dict[str, Any]) -> None:
    found = resources(translated, "AWS::WAFv2::WebACL") | resources(
        translated, "AWS::WAFv2::WebACLAssociation"
    )
    assert len(found) == 2
    assert {resource["Condition"] for resource in found.values()} == {"LimitAddressesByWaf"}
    assert translated["Conditions"]["LimitAddressesByWaf"] == {"Fn::Equals": [{"Ref": "IpLimit"}, "waf"]}
    assert translated["Conditions"]["LimitAddressesByTable"] == {"Fn::Equals": [{"Ref": "IpLimit"}, "table"]}
    (stage,) = resources(translated, "AWS::ApiGateway::Stage")
    association = translated["Resources"]["FirewallOfApi"]["Properties"]
    assert association["WebACLArn"] == {"Fn::GetAtt": ["Firewall", "Arn"]}
    assert association["ResourceArn"]["Fn::Sub"].endswith(f"::/restapis/${{Api}}/stages/${{{stage}}}")


def test_the_firewall_counts_each_clients_last_minute_and_keeps_no_request(template: dict[str, Any]) -> None:
    firewall = template["Resources"]["Firewall"]["Properties"]
    assert (firewall["Scope"], firewall["DefaultAction"]) == ("REGIONAL", {"Allow": {}})
    (rule,) = firewall["Rules"]
    assert rule["Statement"]["RateBasedStatement"] == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 60,
        "Limit": {"Ref": "IpRequestsPerMinute"},
    }
    for part in (firewall, rule):
        assert part["VisibilityConfig"]["SampledRequestsEnabled"] is False


def test_the_firewall_refuses_as_the_functions_do(template: dict[str, Any]) -> None:
    firewall = template["Resources"]["Firewall"]["Properties"]
    refusal = firewall["Rules"][0]["Action"]["Block"]["CustomResponse"]
    body = firewall["CustomResponseBodies"][refusal["CustomResponseBodyKey"]]
    error = json.loads(body["Content"]["Fn::Sub"])["error"]
    assert body["ContentType"] == "APPLICATION_JSON"
    assert set(error) == {"message", "type", "param", "code"}
    assert (refusal["ResponseCode"], error["type"], error["code"], error["param"]) == (
        RateLimitError.status,
        RateLimitError.type,
        RateLimitError.code,
        None,
    )
    assert refusal["ResponseHeaders"] == [
        {"Name": "Retry-After", "Value": "60"},
        {"Name": "Access-Control-Allow-Origin", "Value": "*"},
        {"Name": "Access-Control-Expose-Headers", "Value": "*"},
    ]


def test_functions_may_do_what_they_do_and_nothing_else(translated: dict[str, Any]) -> None:
    allowed: dict[str, set[str]] = {}
    for name, function in resources(translated, "AWS::Lambda::Function").items():
        role = translated["Resources"][function["Properties"]["Role"]["Fn::GetAtt"][0]]["Properties"]
        managed = MANAGED_POLICIES | ({STREAM_POLICY} if name in called_by_streams(translated) else set())
        assert set(role["ManagedPolicyArns"]) <= managed
        allowed[name] = set()
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                allowed[name] |= {actions} if isinstance(actions, str) else set(actions)
                assert statement["Effect"] == "Allow"
                assert statement["Resource"] != "*"
    assert allowed == ACTIONS
    assert not any("*" in action for actions in allowed.values() for action in actions)


def test_credentials_are_readable_below_the_stacks_own_prefix_only(template: dict[str, Any]) -> None:
    chat = functions(template)["ChatFunction"]
    (statement,) = [
        statement
        for policy in chat["Policies"]
        for statement in policy["Statement"]
        if statement["Action"] == "secretsmanager:GetSecretValue"
    ]
    prefix = chat["Environment"]["Variables"]["SLUICE_SECRETS_PREFIX"]
    assert prefix == {"Fn::Sub": "${AWS::StackName}/"}
    assert statement["Resource"]["Fn::Sub"].endswith(":secret:${AWS::StackName}/*")


def test_the_processor_is_the_functions_matter_and_not_the_layers(template: dict[str, Any]) -> None:
    assert template["Globals"]["Function"]["Architectures"] == [{"Ref": "Architecture"}]
    for layer in resources(template, "AWS::Serverless::LayerVersion").values():
        assert layer["Metadata"] == {"BuildMethod": "makefile"}
        assert layer["Properties"]["CompatibleArchitectures"] == ["arm64", "x86_64"]


def test_parameters_and_outputs_explain_themselves(template: dict[str, Any]) -> None:
    for parameter in template["Parameters"].values():
        assert parameter["Description"]
        assert "Default" in parameter
        assert {"AllowedPattern", "AllowedValues", "MinValue"} & parameter.keys()
    assert {"ApiUrl", "KeysTableName"} <= template["Outputs"].keys()
    assert all(output["Description"] for output in template["Outputs"].values())


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

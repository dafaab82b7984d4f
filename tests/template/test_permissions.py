"""What functions may do, and no more."""

from typing import Any

import pytest

from template_parts import called_by_streams, functions, resources

MANAGED_POLICIES = {
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",  # writes its log
    "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess",  # sends its traces
}
STREAM_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole"
"""SAM gives it to a function that a stream calls, so that Lambda can read the stream."""
ANSWER = {
    "bedrock:InvokeModel",
    "bedrock:InvokeModelWithResponseStream",
    "dynamodb:BatchGetItem",
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


def with_conditions_met(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The statements as they are where each condition holds."""
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in statements]


def test_adding_up_writes_to_the_ledger_and_the_usage_table_alone(template: dict[str, Any]) -> None:
    (policy,) = functions(template)["RollUpUsageFunction"]["Policies"]
    assert {statement["Sid"]: statement["Resource"] for statement in policy["Statement"]} == {
        "MarkRows": {"Fn::GetAtt": ["LedgerTable", "Arn"]},
        "AddUp": {"Fn::GetAtt": ["UsageTable", "Arn"]},
    }


def test_reclaiming_touches_counters_and_ledger_each_as_it_has_to(template: dict[str, Any]) -> None:
    (policy,) = functions(template)["ReclaimHoldsFunction"]["Policies"]
    assert [(statement["Action"], statement["Resource"]) for statement in policy["Statement"]] == [
        (
            ["dynamodb:GetItem", "dynamodb:Scan", "dynamodb:UpdateItem"],
            {"Fn::GetAtt": ["CountersTable", "Arn"]},
        ),
        (["dynamodb:GetItem", "dynamodb:PutItem"], {"Fn::GetAtt": ["LedgerTable", "Arn"]}),
    ]


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


def test_functions_may_do_what_they_do_and_nothing_else(translated: dict[str, Any]) -> None:
    allowed: dict[str, set[str]] = {}
    for name, function in resources(translated, "AWS::Lambda::Function").items():
        role = translated["Resources"][function["Properties"]["Role"]["Fn::GetAtt"][0]]["Properties"]
        managed = MANAGED_POLICIES | ({STREAM_POLICY} if name in called_by_streams(translated) else set())
        assert set(role["ManagedPolicyArns"]) <= managed
        allowed[name] = set()
        for policy in role.get("Policies", []):
            for statement in with_conditions_met(policy["PolicyDocument"]["Statement"]):
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
        for statement in with_conditions_met(policy["Statement"])
        if statement["Action"] == "secretsmanager:GetSecretValue"
    ]
    prefix = chat["Environment"]["Variables"]["SLUICE_SECRETS_PREFIX"]
    assert prefix == {"Fn::Sub": "${AWS::StackName}/"}
    assert statement["Resource"]["Fn::Sub"].endswith(":secret:${AWS::StackName}/*")


@pytest.mark.parametrize("name", ["ChatFunction", "CompletionsFunction", "EmbeddingsFunction"])
def test_bedrocks_models_may_be_asked_and_no_more_unless_it_is_off(
    name: str, template: dict[str, Any]
) -> None:
    (policy,) = functions(template)[name]["Policies"]
    (choice,) = [statement["Fn::If"] for statement in policy["Statement"] if "Fn::If" in statement]
    condition, statement, otherwise = choice
    assert template["Conditions"][condition] == {"Fn::Equals": [{"Ref": "Bedrock"}, "on"]}
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert [
        resource["Fn::Sub"].removeprefix("arn:${AWS::Partition}:bedrock:*:")
        for resource in statement["Resource"]
    ] == [
        ":foundation-model/*",
        "${AWS::AccountId}:inference-profile/*",
        "${AWS::AccountId}:application-inference-profile/*",
    ]


def test_who_only_checks_providers_may_not_ask_bedrocks_models(template: dict[str, Any]) -> None:
    for name, function in functions(template).items():
        said = str(function["Policies"])
        assert ("bedrock:" in said) == (name in {"ChatFunction", "CompletionsFunction", "EmbeddingsFunction"})

"""What functions may do, and no more."""

from typing import Any

import pytest

from sluice.config import WebhookSettings
from sluice.stores.counters import LEAD
from sluice.stores.reconcile_place import ID as PLACE
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
TAKE_JOBS = {
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "secretsmanager:GetSecretValue",
    "states:StartExecution",
    "states:StopExecution",
}
ACTIONS = {
    "ImagesFunction": TAKE_JOBS,
    "VideosFunction": TAKE_JOBS | {"dynamodb:Query", "states:SendTaskSuccess"},
    "JobsFunction": (TAKE_JOBS - {"states:StopExecution"})
    | {"bedrock:InvokeModel", "bedrock:GetAsyncInvoke", "states:SendTaskSuccess"},
    "EndJobsFunction": {
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "sqs:SendMessage",
        "states:StartExecution",
    },
    "DeliverWebhookFunction": {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "s3:GetObject",
        "s3:ListBucket",
        "secretsmanager:GetSecretValue",
    },
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
    "ReconcileBudgetsFunction": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"},
    "RollUpUsageFunction": {"dynamodb:BatchGetItem", "dynamodb:UpdateItem", "sqs:SendMessage"},
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
        "LeaveWhatIsNotAddedUp": {"Fn::GetAtt": ["RowsQueue", "Arn"]},
    }


def test_comparing_can_change_nothing_of_what_it_compares(template: dict[str, Any]) -> None:
    (policy,) = functions(template)["ReconcileBudgetsFunction"]["Policies"]
    (write,) = [each for each in policy["Statement"] if "dynamodb:PutItem" in each["Action"]]
    assert write["Action"] == "dynamodb:PutItem"
    assert write["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [PLACE]}}
    assert not PLACE.startswith(LEAD)
    others = [each["Action"] for each in policy["Statement"] if each is not write]
    assert others == ["dynamodb:Scan", ["dynamodb:GetItem", "dynamodb:Scan"], "dynamodb:Query"]


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
        assert ("bedrock:" in said) == (
            name in {"ChatFunction", "CompletionsFunction", "EmbeddingsFunction", "JobsFunction"}
        )


def statements(template: dict[str, Any], function: str) -> dict[str, dict[str, Any]]:
    """A function's, by their Sids, as they are where each condition holds."""
    (policy,) = functions(template)[function]["Policies"]
    return {each["Sid"]: each for each in with_conditions_met(policy["Statement"])}


def test_videos_of_bedrocks_are_asked_for_and_looked_after_unless_it_is_off(template: dict[str, Any]) -> None:
    (policy,) = functions(template)["JobsFunction"]["Policies"]
    choices = [each["Fn::If"] for each in policy["Statement"] if "Fn::If" in each]
    assert [(condition, otherwise) for condition, _, otherwise in choices] == [
        ("AskBedrock", {"Ref": "AWS::NoValue"})
    ] * 2
    found = statements(template, "JobsFunction")
    invocations = "arn:${AWS::Partition}:bedrock:*:${AWS::AccountId}:async-invoke/*"
    # StartAsyncInvoke is carried out with the permission of InvokeModel, on the model and on what comes of it.
    assert {"Fn::Sub": invocations} in found["AskModelsOfBedrock"]["Resource"]
    assert found["LookAfterVideosOfBedrock"]["Resource"] == {"Fn::Sub": invocations}


def test_who_speaks_to_clients_addresses_may_read_the_secret_for_it_and_no_other(
    template: dict[str, Any],
) -> None:
    assert statements(template, "DeliverWebhookFunction")["Sign"]["Resource"] == {"Ref": "WebhookSecret"}
    secret = template["Resources"]["WebhookSecret"]["Properties"]
    name = WebhookSettings.model_fields["webhook_secret"].default
    assert secret["Name"] == {"Fn::Sub": "${AWS::StackName}/" + name}
    assert secret["GenerateSecretString"]["PasswordLength"] >= 32


MACHINE = (
    "arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:stateMachine:${{AWS::StackName}}-{}"
)
RUN = "arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:execution:${{AWS::StackName}}-{}:*"


@pytest.mark.parametrize(
    ("function", "machine"), [("ImagesFunction", "images"), ("VideosFunction", "videos")]
)
def test_who_takes_jobs_may_start_and_stop_those_of_its_own_kind_alone(
    function: str, machine: str, template: dict[str, Any]
) -> None:
    found = statements(template, function)
    assert found["Start"]["Resource"] == [{"Fn::Sub": MACHINE.format(machine)}, {"Ref": "WebhooksMachine"}]
    assert found["Stop"]["Resource"] == {"Fn::Sub": RUN.format(machine)}


def test_a_wait_that_may_be_ended_is_one_for_a_video(template: dict[str, Any]) -> None:
    for function in ("VideosFunction", "JobsFunction"):
        assert statements(template, function)["EndWaits"]["Resource"] == {"Fn::Sub": MACHINE.format("videos")}


def test_files_are_reached_below_the_prefixes_of_jobs_alone(template: dict[str, Any]) -> None:
    allowed = {"${JobsBucket.Arn}/jobs/*", "${JobsBucket.Arn}/outputs/*"}
    for name in (
        "ImagesFunction",
        "VideosFunction",
        "JobsFunction",
        "EndJobsFunction",
        "DeliverWebhookFunction",
    ):
        for statement in statements(template, name).values():
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            objects = [action for action in actions if action.startswith("s3:") and action != "s3:ListBucket"]
            if objects:
                resources_ = statement["Resource"]
                listed = resources_ if isinstance(resources_, list) else [resources_]
                assert {each["Fn::Sub"] for each in listed} <= allowed


def test_machines_may_call_their_function_and_write_their_logs_and_no_more(
    translated: dict[str, Any],
) -> None:
    called = {
        "ImagesMachine": "JobsFunction",
        "VideosMachine": "JobsFunction",
        "WebhooksMachine": "DeliverWebhookFunction",
    }
    machines = resources(translated, "AWS::StepFunctions::StateMachine")
    assert machines.keys() == called.keys()
    for name, machine in machines.items():
        role = translated["Resources"][machine["Properties"]["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
        assert set(role["ManagedPolicyArns"]) <= MANAGED_POLICIES
        (policy,) = role["Policies"]
        tasks, logs = policy["PolicyDocument"]["Statement"]
        assert (tasks["Action"], tasks["Resource"]) == (
            "lambda:InvokeFunction",
            {"Fn::GetAtt": [called[name], "Arn"]},
        )
        assert all(action.startswith("logs:") for action in logs["Action"])

"""What the template has to hold of tables, functions and parameters, whatever else it says."""

from typing import Any

from local_stack import blueprint
from sluice.config import (
    AccountingSettings,
    ClosingSettings,
    DocsSettings,
    EnvironmentSettings,
    MediaSettings,
    ModelsSettings,
    ProviderCheckSettings,
    ReconcileSettings,
    RollUpSettings,
    Settings,
    TaskSettings,
    WebhookSettings,
)
from sluice.local.functions import load_app, load_handler
from sluice.metrics import DELIVERS, RECONCILES, SWEEPS, TAKES
from sluice.pipeline.reconcile_run import SECONDS
from sluice.stores.bucket import job_prefix, output_key
from sluice.stores.job_items import OPEN
from sluice.stores.jobs import BY_OWNER
from template_parts import answers_requests, functions, resources

RETAINED = ("Retain", "Retain")
SETTINGS: dict[str, type[EnvironmentSettings]] = {
    "ChatFunction": Settings,
    "CompletionsFunction": Settings,
    "EmbeddingsFunction": Settings,
    "ImagesFunction": MediaSettings,
    "VideosFunction": MediaSettings,
    "JobsFunction": TaskSettings,
    "EndJobsFunction": ClosingSettings,
    "DeliverWebhookFunction": WebhookSettings,
    "DocsFunction": DocsSettings,
    "CheckHealthFunction": ProviderCheckSettings,
    "ModelsFunction": ModelsSettings,
    "ReclaimHoldsFunction": AccountingSettings,
    "ReconcileBudgetsFunction": ReconcileSettings,
    "RollUpUsageFunction": RollUpSettings,
    "SyncCatalogFunction": ProviderCheckSettings,
}


ENDS = {
    "JobsFunction",
    "EndJobsFunction",
    "DeliverWebhookFunction",
    "ReclaimHoldsFunction",
    "ReconcileBudgetsFunction",
}
"""Functions that no client reaches, but what ends there, or is found there, is counted."""


def counts(name: str, function: dict[str, Any]) -> bool:
    """Whether a function writes metrics."""
    return name in ENDS or answers_requests(function)


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


def test_functions_that_no_client_reaches_take_events() -> None:
    called = [function for function in blueprint().functions if not function.routes]
    assert called
    tasks = blueprint().tasks
    for function in called:
        assert function.streams or function.schedules or function.name in tasks
        assert callable(load_handler(function))


def test_functions_get_the_variables_that_they_read_and_no_others(template: dict[str, Any]) -> None:
    for name, function in functions(template).items():
        fields = SETTINGS[name].model_fields
        known = {f"SLUICE_{field.upper()}" for field in fields} | {"AWS_LAMBDA_EXEC_WRAPPER"}
        if counts(name, function):
            known |= {"POWERTOOLS_METRICS_NAMESPACE"}
        required = {f"SLUICE_{field.upper()}" for field, info in fields.items() if info.is_required()}
        assert required <= set(function.get("Environment", {}).get("Variables", {})) <= known


async def test_metrics_tell_stacks_and_functions_apart(template: dict[str, Any]) -> None:
    for name, function in functions(template).items():
        variables = function["Environment"]["Variables"]
        assert variables.get("POWERTOOLS_METRICS_NAMESPACE") == (
            {"Ref": "AWS::StackName"} if counts(name, function) else None
        )
    for found in blueprint().functions:
        if found.routes:
            app: Any = load_app(found)
            assert app.name == found.folder.name
    folders = {found.folder.name for found in blueprint().functions}
    assert {*TAKES.values(), DELIVERS, SWEEPS, RECONCILES} <= folders


def test_lambda_traces_by_itself(template: dict[str, Any]) -> None:
    assert template["Globals"]["Function"]["Tracing"] == "Active"
    assert template["Resources"]["Api"]["Properties"]["TracingEnabled"] is True


def test_counters_of_addresses_expire(template: dict[str, Any]) -> None:
    expiry = template["Resources"]["CountersTable"]["Properties"]["TimeToLiveSpecification"]
    assert expiry == {"AttributeName": "expires_at", "Enabled": True}


def test_jobs_expire_and_are_found_by_owner_and_while_they_are_open(template: dict[str, Any]) -> None:
    table = template["Resources"]["JobsTable"]["Properties"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    keys = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in table["GlobalSecondaryIndexes"]
    }
    assert keys == {BY_OWNER: ["owner", "id"], OPEN: [OPEN, "created_at"]}


def test_files_of_jobs_are_nobodys_but_the_accounts(template: dict[str, Any]) -> None:
    resource = template["Resources"]["JobsBucket"]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == RETAINED
    bucket = resource["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert "VersioningConfiguration" not in bucket  # what is deleted is gone
    policy = template["Resources"]["JobsBucketPolicy"]["Properties"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [
        {"Fn::GetAtt": ["JobsBucket", "Arn"]},
        {"Fn::Sub": "${JobsBucket.Arn}/*"},
    ]


def test_files_live_as_long_as_jobs(template: dict[str, Any]) -> None:
    rules = template["Resources"]["JobsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    kept = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    assert kept == {"jobs/": {"Ref": "OutputDays"}, "outputs/": {"Ref": "OutputDays"}}
    assert job_prefix("x").startswith("jobs/")
    assert output_key("0" * 64).startswith("outputs/")
    assert [rule["AbortIncompleteMultipartUpload"] for rule in rules if "Prefix" not in rule] == [
        {"DaysAfterInitiation": 1}
    ]
    default = template["Parameters"]["OutputDays"]["Default"]
    assert default == MediaSettings.model_fields["output_days"].default
    for function in ("ImagesFunction", "VideosFunction"):
        variables = functions(template)[function]["Environment"]["Variables"]
        assert variables["SLUICE_OUTPUT_DAYS"] == {"Ref": "OutputDays"}


def test_a_run_that_compares_counters_has_time_to_say_what_it_found(template: dict[str, Any]) -> None:
    assert functions(template)["ReconcileBudgetsFunction"]["Timeout"] >= SECONDS + 60


def test_a_video_has_room_in_the_function_that_stores_it(template: dict[str, Any]) -> None:
    most = TaskSettings.model_fields["max_video_bytes"].default / 1024 / 1024
    assert functions(template)["JobsFunction"]["MemorySize"] >= 3 * most + 256


def test_a_link_that_a_page_follows_may_be_read_by_it(template: dict[str, Any]) -> None:
    (rule,) = template["Resources"]["JobsBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedMethods"], rule["AllowedOrigins"]) == (["GET", "HEAD"], ["*"])


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

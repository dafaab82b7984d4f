"""What could not be carried out is kept where it would be lost, and nowhere else."""

from typing import Any

import pytest

from template_parts import functions, resources, rules_of

KEPT = {"EndJobsFunction": "EventsQueue"}
"""Functions whose events say something that a later run has to know."""
ANOTHER_RUN = (
    "CheckHealthFunction",
    "ReclaimHoldsFunction",
    "ReconcileBudgetsFunction",
    "SyncCatalogFunction",
)
"""Functions that need no more than to be run again."""


@pytest.mark.parametrize("name", ["EventsQueue", "RowsQueue"])
def test_queues_are_encrypted_and_keep_what_they_have_for_a_fortnight(
    name: str, template: dict[str, Any]
) -> None:
    queue = template["Resources"][name]["Properties"]
    assert queue == {"SqsManagedSseEnabled": True, "MessageRetentionPeriod": 14 * 86_400}


def test_every_function_that_events_call_keeps_them_or_is_called_again(translated: dict[str, Any]) -> None:
    configs = {
        each["Properties"]["FunctionName"]["Ref"]: each["Properties"]
        for each in resources(translated, "AWS::Lambda::EventInvokeConfig").values()
    }
    assert configs.keys() == {*KEPT, *ANOTHER_RUN}
    called = {name for name in resources(translated, "AWS::Lambda::Function") if rules_of(translated, name)}
    assert called == configs.keys()
    for name, queue in KEPT.items():
        config = configs[name]
        assert config["DestinationConfig"]["OnFailure"] == {"Destination": {"Fn::GetAtt": [queue, "Arn"]}}
        assert "MaximumRetryAttempts" not in config  # two, by default
    for name in ANOTHER_RUN:
        assert configs[name]["MaximumRetryAttempts"] == 0
        assert not configs[name].get("DestinationConfig")


def test_what_eventbridge_cannot_hand_over_is_kept_where_an_event_says_something(
    translated: dict[str, Any],
) -> None:
    for rule in rules_of(translated, "EndJobsFunction"):
        (target,) = rule["Targets"]
        assert target.get("DeadLetterConfig") == (
            {"Arn": {"Fn::GetAtt": ["EventsQueue", "Arn"]}} if "EventPattern" in rule else None
        )


def test_rows_that_are_not_added_up_have_time_and_then_leave_a_trace(translated: dict[str, Any]) -> None:
    (mapping,) = resources(translated, "AWS::Lambda::EventSourceMapping").values()
    properties = mapping["Properties"]
    assert properties["DestinationConfig"] == {
        "OnFailure": {"Destination": {"Fn::GetAtt": ["RowsQueue", "Arn"]}}
    }
    assert 3600 <= properties["MaximumRecordAgeInSeconds"] <= 43_200  # a stream forgets after 24 hours
    assert properties["BisectBatchOnFunctionError"] is True
    assert "MaximumRetryAttempts" not in properties


def test_only_who_leaves_something_may_send(translated: dict[str, Any]) -> None:
    senders: dict[str, Any] = {}
    for name in resources(translated, "AWS::Lambda::Function"):
        role = translated["Resources"][f"{name}Role"]["Properties"]
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if "sqs:" in str(statement):
                    assert statement["Action"] == "sqs:SendMessage"
                    senders[name] = statement["Resource"]
    assert senders == {
        "EndJobsFunction": {"Fn::GetAtt": ["EventsQueue", "Arn"]},
        "RollUpUsageFunction": {"Fn::GetAtt": ["RowsQueue", "Arn"]},
    }
    policy = translated["Resources"]["QueuesPolicy"]["Properties"]["PolicyDocument"]
    deny, allow = policy["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert allow["Principal"] == {"Service": "events.amazonaws.com"}
    assert allow["Resource"] == {"Fn::GetAtt": ["EventsQueue", "Arn"]}
    source = allow["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert source == {"Fn::GetAtt": ["EndJobsFunctionExecutionFailed", "Arn"]}
    rule = translated["Resources"][source["Fn::GetAtt"][0]]
    assert rule["Properties"] in rules_of(translated, "EndJobsFunction")


def test_no_function_of_requests_keeps_its_events(template: dict[str, Any]) -> None:
    for name, function in functions(template).items():
        assert "DeadLetterQueue" not in function, name

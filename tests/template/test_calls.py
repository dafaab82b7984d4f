"""What calls the functions that no client reaches, and when."""

import json
from typing import Any

import pytest

from local_stack import blueprint
from sluice.pipeline.model_status import FRESH_SECONDS
from template_parts import functions, resources, rules_of


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
    # However often it fails, only time gives it up (see test_dead_letters), and then it has no mark in the ledger.
    assert "MaximumRetryAttempts" not in properties


def test_holds_are_reclaimed_on_a_schedule_one_run_at_a_time(
    template: dict[str, Any], translated: dict[str, Any]
) -> None:
    (rule,) = rules_of(translated, "ReclaimHoldsFunction")
    assert rule["ScheduleExpression"] == "rate(15 minutes)"
    (function,) = [found for found in blueprint().functions if found.name == "ReclaimHoldsFunction"]
    (schedule,) = function.schedules
    assert functions(template)[function.name]["Timeout"] < schedule.seconds
    # What fails is tried again by the next run, and not beside it.
    invocation = translated["Resources"]["ReclaimHoldsFunctionEventInvokeConfig"]["Properties"]
    assert invocation["MaximumRetryAttempts"] == 0


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


@pytest.mark.parametrize(
    ("name", "machine"), [("EndJobsFunction", "ImagesMachine"), ("JobsFunction", "VideosMachine")]
)
def test_the_end_of_an_execution_that_ended_otherwise_than_it_should_is_told(
    translated: dict[str, Any], name: str, machine: str
) -> None:
    patterns = [rule["EventPattern"] for rule in rules_of(translated, name) if "EventPattern" in rule]
    assert patterns == [
        {
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {
                "status": ["FAILED", "ABORTED", "TIMED_OUT"],
                "stateMachineArn": [{"Ref": machine}],
            },
        }
    ]
    (function,) = [found for found in blueprint().functions if found.name == name]
    assert [end.machines for end in function.execution_ends] == [(machine,)]


def test_jobs_that_are_left_are_looked_for_each_quarter_of_an_hour() -> None:
    (function,) = [found for found in blueprint().functions if found.name == "EndJobsFunction"]
    assert [schedule.seconds for schedule in function.schedules] == [900]

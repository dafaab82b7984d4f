"""What a template says of the events that call a function."""

import json
from typing import Any

import pytest

from sluice.local.errors import TemplateError
from sluice.local.event_sources import (
    Deployment,
    ExecutionEnd,
    Pattern,
    Route,
    Schedule,
    Source,
    StreamSource,
    sources_of,
)

STREAM = {"Stream": {"Fn::GetAtt": ["Rows", "StreamArn"]}, "StartingPosition": "TRIM_HORIZON"}
INSERTED = {"eventName": "INSERT", "dynamodb": {"NewImage": {"status": {"S": "complete"}}}}


def source(kind: str, **properties: Any) -> Source:
    (found,) = sources_of("One", {"Event": {"Type": kind, "Properties": properties}})
    return found


def test_a_request_is_a_route() -> None:
    assert source("Api", Path="/v1/chat", Method="any") == Route("ANY", "/v1/chat")


def test_a_stream_has_what_the_template_says_of_it_or_awss_defaults() -> None:
    assert source("DynamoDB", **STREAM) == StreamSource("Rows", 100, (), reports_failures=False)
    pattern = {"eventName": ["INSERT"]}
    found = source(
        "DynamoDB",
        **STREAM,
        BatchSize=7,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]},
    )
    assert found == StreamSource("Rows", 7, (Pattern(pattern),), reports_failures=True)


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(2 hours)", 7200), ("rate(1 day)", 86_400)],
)
def test_a_schedule_is_a_number_of_seconds(rate: str, seconds: int) -> None:
    assert source("Schedule", Schedule=rate, Description="…") == Schedule(seconds)


def stack_event(*statuses: str) -> dict[str, Any]:
    return {
        "source": ["aws.cloudformation"],
        "detail-type": ["CloudFormation Stack Status Change"],
        "detail": {"stack-id": [{"Ref": "AWS::StackId"}], "status-details": {"status": list(statuses)}},
    }


def test_the_end_of_a_deployment_is_a_rule() -> None:
    pattern = stack_event("CREATE_COMPLETE", "UPDATE_COMPLETE")
    assert source("EventBridgeRule", Pattern=pattern) == Deployment()


def execution_event(**detail: Any) -> dict[str, Any]:
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": ["FAILED", "ABORTED"], "stateMachineArn": [{"Ref": "One"}, {"Ref": "Other"}]}
        | detail,
    }


def test_the_end_of_an_execution_is_a_rule() -> None:
    found = source("EventBridgeRule", Pattern=execution_event())
    assert found == ExecutionEnd(("FAILED", "ABORTED"), ("One", "Other"))


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("EventBridgeRule", {"Pattern": execution_event(name=["x"])}),
        ("EventBridgeRule", {"Pattern": execution_event(stateMachineArn=["arn:aws:states:…"])}),
        ("EventBridgeRule", {"Pattern": execution_event() | {"detail-type": ["Other"]}}),
        ("EventBridgeRule", {"Pattern": {"source": ["aws.states"]}}),
        ("EventBridgeRule", {"Pattern": stack_event("UPDATE_COMPLETE")}),
        ("EventBridgeRule", {"Pattern": stack_event("CREATE_COMPLETE") | {"source": ["aws.s3"]}}),
        ("EventBridgeRule", {"Pattern": {"source": ["aws.cloudformation"]}}),
        ("SQS", {"Queue": "q"}),
        ("DynamoDB", STREAM | {"StartingPosition": "LATEST"}),
        ("DynamoDB", STREAM | {"Stream": "arn:aws:dynamodb:…"}),
        ("DynamoDB", STREAM | {"FilterCriteria": {"Filters": [{"Pattern": '{"a": [{"prefix": "x"}]}'}]}}),
        ("DynamoDB", STREAM | {"FilterCriteria": {"Filters": [{"Pattern": '{"a": "x"}'}]}}),
        ("Schedule", {"Schedule": "cron(0 * * * ? *)"}),
        ("Schedule", {"Schedule": "rate(0 minutes)"}),
        ("Schedule", {"Schedule": "rate(1 day)", "Enabled": False}),
    ],
)
def test_what_is_not_known_here_is_refused_by_the_functions_name(
    kind: str, properties: dict[str, Any]
) -> None:
    with pytest.raises(TemplateError, match="One"):
        source(kind, **properties)


@pytest.mark.parametrize(
    ("pattern", "takes"),
    [
        ({}, True),
        ({"eventName": ["INSERT"]}, True),
        ({"eventName": ["MODIFY", "INSERT"]}, True),
        ({"eventName": ["MODIFY"]}, False),
        ({"eventName": []}, False),
        ({"missing": ["INSERT"]}, False),
        ({"eventName": {"S": ["INSERT"]}}, False),
        ({"dynamodb": {"NewImage": {"status": {"S": ["complete"]}}}}, True),
        ({"dynamodb": {"NewImage": {"status": {"S": ["complete"]}}}, "eventName": ["REMOVE"]}, False),
    ],
)
def test_a_pattern_names_the_values_that_a_record_may_have(pattern: dict[str, Any], takes: bool) -> None:
    assert Pattern(pattern).matches(INSERTED) is takes


def test_of_several_patterns_one_is_enough_and_of_none_everything() -> None:
    one, other = Pattern({"eventName": ["INSERT"]}), Pattern({"eventName": ["REMOVE"]})
    assert StreamSource("Rows", 1, (other, one), reports_failures=False).takes(INSERTED)
    assert not StreamSource("Rows", 1, (other,), reports_failures=False).takes(INSERTED)
    assert StreamSource("Rows", 1, (), reports_failures=False).takes(INSERTED)

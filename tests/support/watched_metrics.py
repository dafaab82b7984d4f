"""What alarms and the dashboard look at, what the code writes, and what AWS writes."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from embedded_metrics import all_measured
from local_stack import blueprint
from sluice.metrics import (
    CANCELLED,
    JobEnd,
    Reconciling,
    count_job,
    count_reclaimed,
    count_reconciling,
    count_request,
    count_settle_failure,
    count_swept,
    count_webhook,
)
from sluice.observability import RequestRecord, Try

STACK = "stack"
"""The name that a stack has here; it is the namespace of its own metrics."""

type Dimensions = frozenset[tuple[str, str]]

FUNCTIONS = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
GATEWAY = (
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html"
)
TABLES = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html"
EXECUTIONS = "https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html"
QUEUES = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"

OF_ALL: frozenset[str] = frozenset()
AWS_METRICS: Mapping[str, tuple[Mapping[str, frozenset[frozenset[str]]], str]] = {
    "AWS/ApiGateway": (
        {
            name: frozenset({frozenset({"ApiName"}), frozenset({"ApiName", "Stage"})})
            for name in ("4XXError", "5XXError", "Count", "IntegrationLatency", "Latency")
        },
        GATEWAY,
    ),
    "AWS/DynamoDB": (
        {
            name: frozenset({frozenset({"TableName"})})
            for name in (
                "ConsumedReadCapacityUnits",
                "ConsumedWriteCapacityUnits",
                "ReadThrottleEvents",
                "WriteThrottleEvents",
            )
        },
        TABLES,
    ),
    "AWS/Lambda": (
        {
            "ConcurrentExecutions": frozenset({OF_ALL, frozenset({"FunctionName"})}),
            "Errors": frozenset({OF_ALL, frozenset({"FunctionName"})}),
            "IteratorAge": frozenset({frozenset({"FunctionName"})}),
            "Throttles": frozenset({OF_ALL, frozenset({"FunctionName"})}),
        },
        FUNCTIONS,
    ),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible": frozenset({frozenset({"QueueName"})})}, QUEUES),
    "AWS/States": (
        {
            name: frozenset({frozenset({"StateMachineArn"})})
            for name in ("ExecutionsAborted", "ExecutionsFailed", "ExecutionsTimedOut")
        },
        EXECUTIONS,
    ),
}
"""Of each namespace of AWS's the metrics, with the names of the dimensions that they come with, and who says so."""

FOR_CODEDEPLOY = "DeployGradually"
"""The condition of the alarm that takes a deployment back."""

NAMED: Mapping[str, str] = {
    "FunctionName": "AWS::Serverless::Function",
    "QueueName": "AWS::SQS::Queue",
    "StateMachineArn": "AWS::Serverless::StateMachine",
    "TableName": "AWS::DynamoDB::Table",
}
"""What the values of dimensions name."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A metric that is looked at: its values are as in the template, where they name resources."""

    namespace: str
    metric: str
    dimensions: Dimensions


def alarms(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of all alarms that tell people, by their names in the template; one tells CodeDeploy alone."""
    return {
        name: resource["Properties"]
        for name, resource in sorted(template["Resources"].items())
        if resource["Type"] == "AWS::CloudWatch::Alarm" and resource["Condition"] != FOR_CODEDEPLOY
    }


def watched_by(alarm: Mapping[str, Any]) -> list[Watched]:
    """The metrics of an alarm: one, or those of its expression."""
    if "MetricName" in alarm:
        return [_watched(alarm)]
    return [_watched(each["MetricStat"]["Metric"]) for each in alarm["Metrics"] if "MetricStat" in each]


def shown_by(widget: Mapping[str, Any]) -> list[Watched]:
    """The metrics of a widget, each a list of namespace, name, and dimensions by name and value."""
    found = []
    for namespace, metric, *rest in widget["properties"]["metrics"]:
        words = [each for each in rest if isinstance(each, str)]
        found.append(
            Watched(namespace, metric, frozenset(zip(words[::2], words[1::2], strict=True)))  # a pair each
        )
    return found


def dashboard_of(template: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the dashboard as CloudFormation fills it in; what refers to a resource stays its name there."""
    body = template["Resources"]["StackDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    known = {"AWS::StackName": STACK, "AWS::Region": "eu-central-1"}

    def value(found: re.Match[str]) -> str:
        name = found[1].partition(".")[0]
        if name in known:
            return known[name]
        assert name in template["Resources"], name
        return name

    filled: dict[str, Any] = json.loads(re.sub(r"\$\{([\w:.]+)\}", value, body))
    return filled


def missing_from_aws(watched: Watched, template: Mapping[str, Any]) -> str | None:
    """What is wrong with a metric of AWS's; None if nothing is."""
    names = frozenset(name for name, _ in watched.dimensions)
    metrics, source = AWS_METRICS[watched.namespace]
    if names not in metrics.get(watched.metric, ()):
        return f"{watched.namespace} has no {watched.metric} with {sorted(names)}: {source}"
    for name, value in watched.dimensions:
        if name in NAMED and template["Resources"][value]["Type"] != NAMED[name]:
            return f"{value} is no {NAMED[name]}"
        if name == "ApiName" and value != STACK:
            return f"the API has another name than {value}"
        if name == "Stage" and value != template["Resources"]["Api"]["Properties"]["StageName"]:
            return f"the API has no stage {value}"
    return None


def written_metrics(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> set[Watched]:
    """All that the code writes: every function of ``sluice.metrics`` is called with all that it can be told."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", STACK)
    capsys.readouterr()
    for record in _records():
        for function in blueprint().functions:
            if function.routes:
                count_request(record, function.folder.name)
    kinds: tuple[Literal["image", "video"], ...] = ("image", "video")
    for kind in kinds:
        for failure in (None, CANCELLED, "timeout"):
            count_job(JobEnd("job", kind, failure, 1, 1))
    count_webhook("job", "delivered")
    count_webhook("job", "given_up")
    count_swept(1)
    count_settle_failure("req_1")
    count_reclaimed(1)
    count_reconciling(Reconciling(0, 0, 0, 0, 0))
    return {
        Watched(line.namespace, metric, frozenset(line.dimensions.items()))
        for line in all_measured(capsys.readouterr().out)
        for metric in line.values
    }


def _records() -> Iterator[RequestRecord]:
    """Requests of every end, with all that there is to be said of one."""
    for status, error in ((200, None), (402, "budget_exceeded"), (429, "rate"), (500, "server_error")):
        yield RequestRecord(
            "req_1",
            "POST",
            "/",
            status=status,
            error=error,
            stream=True,
            prompt_tokens=1,
            completion_tokens=1,
            cost=1,
            first_byte_ms=1.0,
            duration_ms=1.0,
            tries=[Try("a", "m"), Try("b", "m")],
        )


def _watched(metric: Mapping[str, Any]) -> Watched:
    dimensions = frozenset((each["Name"], _named(each["Value"])) for each in metric.get("Dimensions", []))
    return Watched(_named(metric["Namespace"]), metric["MetricName"], dimensions)


def _named(value: Any) -> str:
    match value:
        case str():
            return value
        case {"Ref": "AWS::StackName"}:
            return STACK
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": str(path)}:
            return path.partition(".")[0]
        case {"Fn::GetAtt": [str(name), *_]}:
            return name
    raise AssertionError(value)

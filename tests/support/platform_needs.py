"""Which permissions AWS itself needs in the name of a function or a state machine, by how the template sets it up.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html,
https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html and
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies import Need, Roles, listed
from template_parts import function_of, resources

EVERYTHING = "*"
"""The ARN where an action knows no resources."""

READS_A_STREAM = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
)
DELIVERS_LOGS = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
_SENDS = {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}
"""How what could not be handled is handed on, by who takes it."""

_INVOKES = re.compile(r"arn:[\w-]+:states:::lambda:invoke(\.waitForTaskToken)?")

type Reasoned = tuple[Need, str]
"""What is needed, and why."""


def function_needs(translated: Mapping[str, Any], owner: str, roles: Roles) -> Iterator[Reasoned]:
    """Those that come of how it is set up."""
    resource = translated["Resources"][owner]
    properties = resource["Properties"]
    if resource["Type"] != "AWS::Lambda::Function":
        if properties.get("TracingConfiguration", {}).get("Enabled"):
            yield from _traces()
        return
    group = properties["LoggingConfig"]["LogGroup"]
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield Need(action, f"log group {roles.text(group)}"), "it has a log"
    if properties.get("TracingConfig", {}).get("Mode") == "Active":
        yield from _traces()
    dead = properties.get("DeadLetterConfig", {}).get("TargetArn")
    if dead is not None:
        yield _sending(roles.text(dead))
    for mapping in resources(translated, "AWS::Lambda::EventSourceMapping").values():
        if function_of(translated, mapping["Properties"]["FunctionName"]) == owner:
            for action in READS_A_STREAM:
                yield Need(action, roles.text(mapping["Properties"]["EventSourceArn"])), "a stream calls it"
            yield from _destinations(mapping, roles)
    for config in resources(translated, "AWS::Lambda::EventInvokeConfig").values():
        if function_of(translated, config["Properties"]["FunctionName"]) == owner:
            yield from _destinations(config, roles)


def machine_needs(translated: Mapping[str, Any], machine: str, roles: Roles) -> Iterator[Need]:
    """What a machine's definition does, and its log."""
    properties = translated["Resources"][machine]["Properties"]
    for function in called_by(translated, machine, roles):
        yield Need("lambda:InvokeFunction", function)
    if properties.get("LoggingConfiguration", {}).get("Level", "OFF") != "OFF":
        for action in DELIVERS_LOGS:
            yield Need(action, EVERYTHING)


def called_by(translated: Mapping[str, Any], machine: str, roles: Roles) -> set[str]:
    """The ARNs of the functions that a machine's definition calls."""
    properties = translated["Resources"][machine]["Properties"]
    separator, lines = properties["DefinitionString"]["Fn::Join"]
    text = separator.join(lines)
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", roles.text(value))
    found = set()
    for task in _tasks(json.loads(text)):
        assert _INVOKES.fullmatch(task["Resource"]), f"nobody has said what {task['Resource']} needs"
        found.add(task["Parameters"]["FunctionName"])
    return found


def _tasks(part: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(part, Mapping):
        if part.get("Type") == "Task":
            yield part
        for value in part.values():
            yield from _tasks(value)
    elif isinstance(part, list):
        for value in part:
            yield from _tasks(value)


def _traces() -> Iterator[Reasoned]:
    for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
        yield Need(action, EVERYTHING), "it is traced"


def _destinations(resource: Mapping[str, Any], roles: Roles) -> Iterator[Reasoned]:
    for destination in resource["Properties"].get("DestinationConfig", {}).values():
        for value in listed(destination["Destination"]):
            yield _sending(roles.text(value))


def _sending(arn: str) -> Reasoned:
    return Need(_SENDS[arn.split(":")[2]], arn), "it takes what could not be handled"

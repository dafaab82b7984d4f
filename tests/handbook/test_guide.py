"""DEPLOY.md's tables and names are those of the template, of the prices and of what requests consume."""

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from botocore import xform_name
from tests.bench.cost_table import rendered

from handbook import commands_of, prose_of, spans_of, text_of
from local_stack import TEMPLATE
from sluice import metrics
from sluice.local.blueprint import read_template
from sluice.readme.__main__ import rendered_guide
from sluice.readme.parameters import parameters
from template_values import written

PAGE = "DEPLOY.md"
ALARM = re.compile(r"^\*\*`(\w+)`\*\*:", re.MULTILINE)
NAME = re.compile(r"[A-Z][a-z]+(?:[A-Z][A-Za-z0-9]*)+")
AWS_NAMES = frozenset(
    {
        *(
            "BatchGetItem",
            "DeleteItem",
            "DescribeStacks",
            "GetItem",
            "GetSecretValue",
            "PutItem",
            "UpdateItem",
        ),
        *("StartExecution", "StopExecution", "ConcurrentExecutions", "ViewSubscriptions"),
    }
)
"""Of AWS's own, which the page speaks of."""


@pytest.fixture(scope="module")
def template() -> Mapping[str, Any]:
    return read_template(TEMPLATE)


def test_the_parameters_are_the_templates() -> None:
    text = text_of(PAGE)
    assert text == rendered_guide(text), "run: make readme"


def test_the_costs_are_those_of_the_template_the_prices_and_the_promises() -> None:
    text = text_of(PAGE)
    assert text == rendered(text), "run: make readme"


def test_a_parameters_row_has_all_that_is_declared() -> None:
    declared = {
        "A": {"Type": "String", "Default": "x", "AllowedValues": ["x", "y"], "Description": "one | other"},
        "B": {"Type": "Number", "Default": 0, "MinValue": 0, "MaxValue": 9, "Description": "a\nnumber"},
        "C": {"Type": "Number", "Default": 7, "MinValue": 1, "Description": "more"},
        "D": {"Type": "String", "Default": "", "Description": "a text"},
    }
    assert parameters({"Parameters": declared}).splitlines()[2:] == [
        "| `A` | `x` | `x`, `y` | one \\| other |",
        "| `B` | `0` | 0 to 9 | a number |",
        "| `C` | `7` | 1 or more | more |",
        "| `D` | nothing | a text | a text |",
    ]


def test_each_alarm_has_a_paragraph_and_each_paragraph_an_alarm(template: Mapping[str, Any]) -> None:
    alarms = {
        name for name, each in template["Resources"].items() if each["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert set(ALARM.findall(prose_of(PAGE))) == alarms


SERVICES = {
    "ApiGateway": "API Gateway",
    "Events": "EventBridge",
    "Logs": "CloudWatch",
    "Route53": "Route 53",
    "SecretsManager": "Secrets Manager",
    "StepFunctions": "Step Functions",
    "WAFv2": "AWS WAF",
}
"""What AWS calls services whose types in templates have other names."""


def test_whoever_deploys_is_told_of_every_service(template: Mapping[str, Any]) -> None:
    made = written(template, {"Deployment": "Canary10Percent5Minutes"})
    used = {resource["Type"].split("::")[1] for resource in made["Resources"].values()}
    rights = prose_of(PAGE).partition("### Account and tools")[2].partition("On your machine")[0]
    assert len(used) > 10
    assert [name for name in sorted(used) if SERVICES.get(name, name) not in rights] == []


def test_each_name_is_one_of_the_templates_or_of_a_metric(template: Mapping[str, Any]) -> None:
    known = {*template["Parameters"], *template["Resources"], *template["Outputs"], *AWS_NAMES}
    known |= set(NAME.findall(inspect.getsource(metrics)))
    for parameter in template["Parameters"].values():
        known |= {str(value) for value in parameter.get("AllowedValues", [])}
    spoken_of = {span.partition("=")[0] for span in spans_of(PAGE)}
    assert {name for name in spoken_of if NAME.fullmatch(name)} <= known


@pytest.mark.parametrize("name", ["ThrottleRate", "ThrottleBurst"])
def test_traffic_starts_again_with_the_templates_own_limits(template: Mapping[str, Any], name: str) -> None:
    limit = {"ThrottleRate": "rateLimit", "ThrottleBurst": "burstLimit"}[name]
    values = re.findall(rf"throttling/{limit},value=(\d+)", text_of(PAGE))
    assert values == ["0", str(template["Parameters"][name]["Default"])]


def said(value: Any) -> list[str]:
    """What stands behind an option of AWS's command for a property's value."""
    match value:
        case True:
            return []
        case list():
            return [str(each) for each in value]
        case {"OnFailure": {"Destination": {"Fn::GetAtt": ["RowsQueue", "Arn"]}}}:
            return ["OnFailure={Destination=$rows}"]
        case dict():
            return [json.dumps(value)]
    return [str(value)]


def test_a_deleted_stream_is_read_again_as_the_template_has_it(template: Mapping[str, Any]) -> None:
    event = template["Resources"]["RollUpUsageFunction"]["Properties"]["Events"]["Rows"]["Properties"]
    wanted = {f"--{xform_name(name, '-')}": said(value) for name, value in event.items() if name != "Stream"}
    operation = "create-event-source-mapping"
    (words,) = [each.words for each in commands_of(PAGE, ["aws"]) if each.words[2:3] == [operation]]
    given: dict[str, list[str]] = {}
    for word in words[3:]:
        if word.startswith("--"):
            given[word] = []
        else:
            list(given.values())[-1].append(word)
    assert given == wanted | {"--function-name": ["$roll_up"], "--event-source-arn": ["$stream"]}

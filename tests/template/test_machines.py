"""The state machines as they are defined; ``test_machine_paths`` runs them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from local_stack import TEMPLATE
from machines import (
    ALL_ERRORS,
    MACHINES,
    definition,
    definition_file,
    how_taken,
    levels,
    states,
    transitions,
)
from sluice.local.blueprint import read_template
from template_parts import functions, resources

EVENTS_END_IT = {
    ("ImagesMachine", "Fail"): "the last resort; the end of the execution is an event",
    ("VideosMachine", "Fail"): "the same",
    (
        "WebhooksMachine",
        "Deliver",
    ): "that nobody takes a message is no failure; that it cannot be asked is one",
}
"""Tasks without a Catch for all errors, and why."""


OF_LAMBDA = {
    f"Lambda.{name}"
    for name in (
        "AWSLambdaException",
        "ClientExecutionTimeoutException",
        "SdkClientException",
        "ServiceException",
        "TooManyRequestsException",
    )
}
"""What Step Functions says where Lambda fails, or has no room, and not the function.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception.
"""


def tasks() -> list[tuple[str, str, Mapping[str, Any]]]:
    return [
        (machine, name, state)
        for machine in MACHINES
        for name, state in states(definition(machine)).items()
        if state["Type"] == "Task"
    ]


def machine_properties(machine: str) -> dict[str, Any]:
    found: dict[str, Any] = read_template(TEMPLATE)["Resources"][machine]["Properties"]
    return found


@pytest.mark.parametrize("machine", MACHINES)
def test_a_definition_stands_for_itself(machine: str) -> None:
    """CloudFormation reads the file, and knows no anchors."""
    for event in yaml.parse(definition_file(machine)):
        assert not isinstance(event, yaml.AliasEvent)
        assert getattr(event, "anchor", None) is None


def linted(machine: str, program: Mapping[str, Any]) -> list[str]:
    """The rules that a machine with this definition breaks, by cfn-lint, which has a definition checker."""
    properties = {
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "Definition": program,
        "DefinitionSubstitutions": dict.fromkeys(machine_properties(machine)["DefinitionSubstitutions"], "x"),
    }
    template = {
        "Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}
    }
    return [match.rule.id for match in lint(json.dumps(template), config=ManualArgs(regions=["us-east-1"]))]


@pytest.mark.parametrize("machine", MACHINES)
def test_the_definition_checker_accepts_it(machine: str) -> None:
    written = yaml.safe_load(definition_file(machine))
    assert linted(machine, written) == []
    assert linted(machine, definition(machine)) == []


@pytest.mark.parametrize("machine", MACHINES)
def test_the_definition_checker_would_not_accept_anything(machine: str) -> None:
    broken = definition(machine) | {"StartAt": "Nowhere"}
    assert linted(machine, broken) == ["E3601"]


@pytest.mark.parametrize("machine", MACHINES)
def test_what_sam_makes_of_it_is_what_is_run_here(machine: str, translated: dict[str, Any]) -> None:
    properties = translated["Resources"][machine]["Properties"]
    separator, lines = properties["DefinitionString"]["Fn::Join"]
    assert json.loads(separator.join(lines)) == yaml.safe_load(definition_file(machine))
    substitutions = properties["DefinitionSubstitutions"]
    text = separator.join(lines)
    assert all(f"${{{name}}}" in text for name in substitutions)
    assert text.count("${") == sum(text.count(f"${{{name}}}") for name in substitutions)


@pytest.mark.parametrize("machine", MACHINES)
def test_names_of_states_are_names_in_all_of_a_machine(machine: str) -> None:
    program = definition(machine)
    assert len(states(program)) == sum(len(level["States"]) for _, level in levels(program))


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_can_be_reached_and_leads_to_an_end(machine: str) -> None:
    program = definition(machine)
    ways = transitions(program)
    for owner, level in levels(program):
        names = set(level["States"])
        assert {way.to for way in ways if way.state in {*names, owner}} - {""} >= names - {""}
        ends = {
            name for name, state in level["States"].items() if state["Type"] == "Succeed" or state.get("End")
        }
        assert ends
        leading = set(ends)
        while more := {way.state for way in ways if way.to in leading and way.state in names} - leading:
            leading |= more
        assert leading == names


def test_every_task_has_its_time() -> None:
    for machine, name, state in tasks():
        assert {"TimeoutSeconds", "TimeoutSecondsPath"} & state.keys(), (machine, name)
        assert state.get("TimeoutSeconds", 1) <= definition(machine)["TimeoutSeconds"]


def test_no_task_is_waited_for_longer_than_its_function_may_run(template: dict[str, Any]) -> None:
    for machine, name, state in tasks():
        function = state["Parameters"]["FunctionName"].rpartition(":")[2]
        if "TimeoutSeconds" in state:
            assert state["TimeoutSeconds"] <= functions(template)[function]["Timeout"], (machine, name)


def test_every_task_is_repeated_with_jitter_and_not_for_ever() -> None:
    for machine, name, state in tasks():
        retriers = state.get("Retry", [])
        assert retriers, (machine, name)
        repeating = [retrier for retrier in retriers if retrier["MaxAttempts"] > 0]
        for retrier in repeating:
            assert retrier["JitterStrategy"] == "FULL"
            assert retrier["BackoffRate"] > 1
            assert retrier["MaxAttempts"] <= (15 if set(retrier["ErrorEquals"]) == OF_LAMBDA else 10)
            assert retrier["MaxDelaySeconds"] > retrier["IntervalSeconds"]
        if repeating:
            assert retriers[-1]["ErrorEquals"] == [ALL_ERRORS]


def test_a_job_waits_for_minutes_where_lambda_has_no_room() -> None:
    """Seconds are enough where a function fails; the account's concurrency comes back when others have ended."""
    for machine, name, state in tasks():
        for error in OF_LAMBDA:
            taken = how_taken(state["Retry"], error)
            assert taken is not None
            assert longest(state["Retry"][taken]) >= 300, (machine, name, error)


def longest(retrier: Mapping[str, Any]) -> float:
    """Seconds that it waits in all, if lots fall so."""
    first, rate, most = (retrier[name] for name in ("IntervalSeconds", "BackoffRate", "MaxDelaySeconds"))
    return float(sum(min(most, first * rate**done) for done in range(retrier["MaxAttempts"])))


def test_every_task_has_somewhere_to_go_when_it_fails() -> None:
    without = set()
    for machine, name, state in tasks():
        catchers = state.get("Catch", [])
        if not catchers or catchers[-1]["ErrorEquals"] != [ALL_ERRORS]:
            without.add((machine, name))
    assert without == EVENTS_END_IT.keys()


def test_what_a_task_is_told_is_its_name_the_job_and_an_index() -> None:
    """A client's words, and a provider's, are never in an execution's history."""
    told = {"task", "job.$", "index.$", "index", "token.$", "error.$"}
    for machine, name, state in tasks():
        assert set(state["Parameters"]) == {"FunctionName", "Payload"}
        assert state["Parameters"]["Payload"].keys() <= told, (machine, name)


def test_a_machine_is_logged_without_what_it_is_about_and_traced(template: dict[str, Any]) -> None:
    machines = resources(template, "AWS::Serverless::StateMachine")
    assert machines.keys() == set(MACHINES)
    groups = set()
    for machine in machines.values():
        properties = machine["Properties"]
        assert properties["Type"] == "STANDARD"
        assert properties["Tracing"] == {"Enabled": True}
        assert (properties["Logging"]["Level"], properties["Logging"]["IncludeExecutionData"]) == (
            "ERROR",
            False,
        )
        (destination,) = properties["Logging"]["Destinations"]
        group, _ = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"]
        name = template["Resources"][group]["Properties"]["LogGroupName"]["Fn::Sub"]
        assert name.startswith("/aws/vendedlogs/states/")  # others' names are in a policy that has an end
        groups.add(group)
    assert len(groups) == len(MACHINES)


def test_machines_have_the_names_that_functions_know_them_by(template: dict[str, Any]) -> None:
    for kind in ("images", "videos"):
        name = machine_properties(f"{kind.capitalize()}Machine")["Name"]["Fn::Sub"]
        variables = functions(template)[f"{kind.capitalize()}Function"]["Environment"]["Variables"]
        assert variables[f"SLUICE_{kind.upper()}_MACHINE"]["Fn::Sub"].endswith(f":stateMachine:{name}")

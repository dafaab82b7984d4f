"""Versions of functions: who is called at one, what publishes another, and how the traffic moves to it."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from samtranslator.model.preferences.deployment_preference_collection import (
    CODEDEPLOY_PREDEFINED_CONFIGURATIONS_LIST,
)

from local_stack import blueprint
from template_parts import answers_requests, functions, resources
from template_values import Chosen, written

SETTINGS = "settings ${Settings.VersionNumber}"
UNVERSIONED = {"ReservedConcurrentExecutions", "Tags", "Description"}
"""Properties that are the same for all versions of a function; and the one that tells of the others."""
JOBS = "JobsFunction"
FROM_A_SNAPSHOT = {"ChatFunction", "CompletionsFunction", "EmbeddingsFunction"}


def waited_for(template: Mapping[str, Any]) -> set[str]:
    """The functions that clients wait for, at the API or behind a state machine that carries out their job."""
    reached = {name for name, found in functions(template).items() if answers_requests(found)}
    return reached | {JOBS}


@pytest.fixture(scope="module")
def gradual(template: dict[str, Any]) -> dict[str, Any]:
    """The template as CloudFormation gets it where traffic is to move gradually."""
    return written(template, {"Deployment": "Canary10Percent5Minutes"})


def test_who_is_waited_for_is_called_at_an_alias(
    template: dict[str, Any], translated: dict[str, Any]
) -> None:
    aliases = resources(translated, "AWS::Lambda::Alias").values()
    assert {alias["Properties"]["FunctionName"]["Ref"] for alias in aliases} == waited_for(template)
    assert {alias["Properties"]["Name"] for alias in aliases} == {"live"}
    assert blueprint().tasks == {"JobsFunction", "DeliverWebhookFunction"}
    for permission in resources(translated, "AWS::Lambda::Permission").values():
        called = permission["Properties"]["FunctionName"]
        name = called["Ref"].removesuffix("Aliaslive")
        assert (name != called["Ref"]) == (name in waited_for(template))


def versions(translated: Mapping[str, Any]) -> dict[str, str]:
    """The name of each function's version, which is another one when SAM publishes anew."""
    return {
        version["Properties"]["FunctionName"]["Ref"]: name
        for name, version in resources(translated, "AWS::Lambda::Version").items()
    }


@pytest.mark.parametrize("layer", ["SluiceLayer", "StreamingLayer"])
def test_a_layer_that_changes_is_published_with_each_function_that_has_it(
    layer: str, template: dict[str, Any], translated: dict[str, Any]
) -> None:
    other = copy.deepcopy(template)
    other["Resources"][layer]["Properties"]["Description"] = "another one"
    before, after = versions(translated), versions(written(other, {}))
    having = {
        name
        for name in waited_for(template)
        if layer == "SluiceLayer" or {"Ref": layer} in functions(template)[name].get("Layers", [])
    }
    assert having
    assert {name for name in before if before[name] != after[name]} == having


def parameters_in(part: Any, template: Mapping[str, Any]) -> Iterator[str]:
    """The parameters that a part of a template depends on, by its conditions too."""
    match part:
        case {"Fn::If": [str(condition), *_]} | {"Condition": str(condition)}:
            yield from parameters_in(template["Conditions"][condition], template)
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name == "Ref" and value in template["Parameters"]:
                yield value
            elif name == "Fn::Sub" and isinstance(value, str):
                yield from (
                    found for found in re.findall(r"\$\{(\w+)\}", value) if found in template["Parameters"]
                )
            else:
                yield from parameters_in(value, template)
    elif isinstance(part, list):
        for value in part:
            yield from parameters_in(value, template)


def test_a_parameter_that_changes_a_function_has_it_published(
    template: dict[str, Any], translated: dict[str, Any]
) -> None:
    """SAM does not look at parameters' values, so a number that rises with them stands where CloudFormation does."""
    told = set(parameters_in(template["Resources"]["Settings"], template))
    needed = set()
    for name in waited_for(template):
        properties = translated["Resources"][name]["Properties"]
        versioned = {key: value for key, value in properties.items() if key not in UNVERSIONED}
        needed |= set(parameters_in(versioned, translated))
        assert SETTINGS in properties["Description"]["Fn::Sub"]
        version = translated["Resources"][versions(translated)[name]]["Properties"]
        assert version["Description"] == {"Fn::Sub": SETTINGS}
    assert told == needed


def test_no_description_is_too_long(translated: dict[str, Any]) -> None:
    for function in resources(translated, "AWS::Lambda::Function").values():
        description = function["Properties"]["Description"]
        assert len(description["Fn::Sub"] if isinstance(description, dict) else description) <= 200


def test_versions_stay_to_go_back_to_and_layers_do_not(translated: dict[str, Any]) -> None:
    for version in resources(translated, "AWS::Lambda::Version").values():
        assert version["DeletionPolicy"] == "Retain"
        assert "UpdateReplacePolicy" not in version  # so one that a parameter alone has replaced goes
    for layer in resources(translated, "AWS::Lambda::LayerVersion").values():
        assert layer["DeletionPolicy"] == "Delete"


def test_nothing_of_codedeploy_is_there_where_it_is_not_asked_for(translated: dict[str, Any]) -> None:
    made = Chosen(translated, {}).resources
    assert not [name for name, found in made.items() if found["Type"].startswith("AWS::CodeDeploy::")]
    assert not {"DeploymentErrors", "JobsDeploymentErrors"} & made.keys()
    for alias in resources(translated, "AWS::Lambda::Alias").values():
        assert "UpdatePolicy" not in alias


def test_traffic_moves_gradually_where_it_is_asked_for_and_goes_back_when_functions_fail(
    template: dict[str, Any], gradual: dict[str, Any]
) -> None:
    made = Chosen(gradual, {"Deployment": "Canary10Percent5Minutes"})
    groups = resources({"Resources": made.resources}, "AWS::CodeDeploy::DeploymentGroup")
    assert groups.keys() == {f"{name}DeploymentGroup" for name in waited_for(template)}
    for name, group in ((name, groups[f"{name}DeploymentGroup"]) for name in sorted(waited_for(template))):
        properties = group["Properties"]
        assert properties["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": "Canary10Percent5Minutes"}
        assert properties["AutoRollbackConfiguration"]["Enabled"] is True
        assert properties["AlarmConfiguration"]["Enabled"] is True
        alarms = [alarm["Name"]["Ref"] for alarm in properties["AlarmConfiguration"]["Alarms"]]
        assert alarms == ["DeploymentErrors", *(["JobsDeploymentErrors"] if name == JOBS else [])]
    for name in waited_for(template):
        policy = made.resources[f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert policy["DeploymentGroupName"] == {"Ref": f"{name}DeploymentGroup"}


def test_what_takes_a_deployment_back_sees_the_calls_of_every_alias(
    template: dict[str, Any], translated: dict[str, Any]
) -> None:
    alarm = translated["Resources"]["DeploymentErrors"]["Properties"]
    total, *metrics = alarm["Metrics"]
    assert total["Expression"] == "SUM(METRICS())"
    assert all(metric["ReturnData"] is False for metric in metrics)
    assert len(metrics) <= 9  # CloudWatch takes ten
    of_jobs = translated["Resources"]["JobsDeploymentErrors"]["Properties"]
    seen = [
        {each["Name"]: each["Value"] for each in dimensions}
        for dimensions in (
            *(metric["MetricStat"]["Metric"]["Dimensions"] for metric in metrics),
            of_jobs["Dimensions"],
        )
    ]
    assert sorted(map(str, seen)) == sorted(
        str({"FunctionName": {"Ref": name}, "Resource": {"Fn::Sub": f"${{{name}}}:live"}})
        for name in waited_for(template)
    )


def test_every_way_to_deploy_is_one_that_sam_knows(template: dict[str, Any]) -> None:
    ways = template["Parameters"]["Deployment"]["AllowedValues"]
    assert sorted(ways) == sorted(CODEDEPLOY_PREDEFINED_CONFIGURATIONS_LIST)
    assert template["Mappings"]["Deployments"] == {
        way: {"Gradual": "false" if way == "AllAtOnce" else "true"} for way in ways
    }


def test_who_answers_with_text_may_start_from_a_snapshot(
    template: dict[str, Any], translated: dict[str, Any]
) -> None:
    for name, function in functions(template).items():
        assert ("SnapStart" in function) == (name in FROM_A_SNAPSHOT)
    for value in ("None", "PublishedVersions"):
        made = Chosen(translated, {"SnapStart": value}).resources
        assert made["ChatFunction"]["Properties"]["SnapStart"] == {"ApplyOn": value}


def test_chat_may_be_kept_warm(translated: dict[str, Any]) -> None:
    warm = Chosen(translated, {"ProvisionedConcurrency": "5"}).resources["ChatFunctionAliaslive"]
    assert warm["Properties"]["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": "5"}
    cold = Chosen(translated, {}).resources["ChatFunctionAliaslive"]
    assert "ProvisionedConcurrencyConfig" not in cold["Properties"]


def test_who_works_in_the_background_can_be_kept_from_taking_all_concurrency(
    template: dict[str, Any], translated: dict[str, Any]
) -> None:
    def reserved(value: str) -> dict[str, int]:
        made = Chosen(translated, {"ReservedConcurrency": value}).resources
        return {
            name: found["Properties"]["ReservedConcurrentExecutions"]
            for name, found in made.items()
            if found["Type"] == "AWS::Lambda::Function"
            and "ReservedConcurrentExecutions" in found["Properties"]
        }

    assert reserved("off") == {}
    assert not reserved("on").keys() & waited_for(template)
    told = re.search(
        r", (\d+) in all,.* a quota of (\d+);", template["Parameters"]["ReservedConcurrency"]["Description"]
    )
    assert told is not None
    total = sum(reserved("on").values())
    assert (int(told[1]), int(told[2])) == (total, total + 100)

"""Parameters, what they decide, and what comes of them together."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from moto import mock_aws

from local_stack import ROOT
from option_values import DOMAIN, FIREWALL, KEY, KEY_BEFORE
from sluice.cli.target import MACHINES
from sluice.local.aws_process import REGION
from sluice.local.stack_template import made_here
from template_values import Chosen, takes, written
from waiting_order import circle

EVERYTHING = {
    **DOMAIN,
    "HostedZoneId": "Z0123456789ABCDEFGHIJ",
    "DefaultEndpoint": "off",
    "SnapStart": "PublishedVersions",
    "ReservedConcurrency": "on",
    "Deployment": "Canary10Percent5Minutes",
    "IpLimit": "waf",
    "FirewallRules": "managed",
    "KmsKeyArn": KEY,
    "CorsOrigins": "https://app.example.com",
    "WebhookHosts": "hooks.example.com:8080",
    "IpfsApi": "https://ipfs.example.com:5001",
    "IpfsCredential": "IPFS_KEY",
    "Architecture": "x86_64",
}
OTHERWISE = {
    **DOMAIN,
    "ProvisionedConcurrency": "2",
    "Deployment": "Linear10PercentEvery1Minute",
    "IpLimit": "none",
    "WebAclArn": FIREWALL,
    "Bedrock": "off",
    "DeletionProtection": "off",
    "PreviousKmsKeyArn": KEY_BEFORE,
    "BackupDays": "1",
    "ApiLogsRole": "existing",
    "CorsOrigins": "",
}
COMBINATIONS = {"defaults": {}, "everything": EVERYTHING, "otherwise": OTHERWISE}

FOR_PEOPLE = {
    "ApiUrl": "clients have to be told",
    "DomainTarget": "a DNS service has to be told",
}
"""Outputs that no command reads, and why there are such."""


def names_in(part: Any) -> Iterator[str]:
    """Everything that a part of a template refers to by name, conditions among it."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            match key, value:
                case "Ref" | "Condition", str():
                    yield value
                case "Fn::If", [str(condition), *_]:
                    yield condition
                case "Fn::FindInMap", [str(mapping), *_]:
                    yield mapping
                case "Fn::Sub", str():
                    yield from re.findall(r"\$\{(\w+)", value)
            yield from names_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from names_in(value)


def test_every_parameter_condition_and_mapping_is_used(template: dict[str, Any]) -> None:
    used = set(names_in([template[part] for part in ("Globals", "Resources", "Outputs", "Conditions")]))
    for section in ("Parameters", "Conditions", "Mappings"):
        assert not template[section].keys() - used, section


def test_every_parameter_says_what_it_is_for_and_takes_its_default(
    template: dict[str, Any],
) -> None:
    for name, parameter in template["Parameters"].items():
        description = parameter["Description"]
        assert description[0].isupper()
        assert description.endswith(".")
        assert len(description) <= 400  # CloudFormation takes 4,000; people do not
        assert takes(parameter, str(parameter["Default"])), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DomainName", "https://ai.example.com"),
        ("DomainName", "AI.example.com"),
        ("DomainName", "example"),
        ("CertificateArn", "arn:aws:iam::123456789012:server-certificate/x"),
        ("HostedZoneId", "/hostedzone/Z1"),
        ("KmsKeyArn", "alias/ours"),
        ("KmsKeyArn", "arn:aws:kms:eu-central-1:123456789012:alias/ours"),
        ("PreviousKmsKeyArn", "alias/ours"),
        ("WebAclArn", FIREWALL.replace("regional", "global")),
        ("BackupDays", "36"),
        ("BackupDays", "0"),
        ("SnapStart", "on"),
        ("ProvisionedConcurrency", "-1"),
    ],
)
def test_what_a_parameter_cannot_mean_it_does_not_take(
    template: dict[str, Any], name: str, value: str
) -> None:
    assert not takes(template["Parameters"][name], value)


def test_the_console_shows_every_parameter_once_in_a_group(template: dict[str, Any]) -> None:
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert all(group["Label"]["default"] for group in groups)
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(template["Parameters"])


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({}, None),
        (EVERYTHING, None),
        (OTHERWISE, None),
        ({"SnapStart": "PublishedVersions", "ProvisionedConcurrency": "1"}, "not both"),
        ({"WebAclArn": FIREWALL, "FirewallRules": "managed"}, "one web ACL"),
        ({"WebAclArn": FIREWALL, "IpLimit": "waf"}, "one web ACL"),
        ({"DomainName": "ai.example.com"}, "needs CertificateArn"),
        ({"CertificateArn": DOMAIN["CertificateArn"]}, "are for DomainName"),
        ({"HostedZoneId": "Z1"}, "are for DomainName"),
        ({"DefaultEndpoint": "off"}, "no other address"),
        ({"KmsKeyArn": KEY, "PreviousKmsKeyArn": KEY_BEFORE}, None),
        ({"KmsKeyArn": KEY, "PreviousKmsKeyArn": KEY}, "not the one that it is"),
    ],
)
def test_what_does_not_go_together_is_refused(
    template: dict[str, Any], values: dict[str, str], refused: str | None
) -> None:
    found = Chosen(template, values).refusals
    assert found == [] if refused is None else (len(found) == 1 and refused in found[0])


@pytest.mark.parametrize("name", ["everything", "otherwise"])  # the defaults are in `sam validate --lint`
def test_cfn_lint_accepts_what_comes_of_it(name: str, template: dict[str, Any]) -> None:
    values = COMBINATIONS[name]
    plain = Chosen(written(template, values), values).plain
    found = lint(json.dumps(plain), config=ManualArgs(regions=["eu-central-1"]))
    assert [f"{match.rule.id} {match.message}" for match in found] == []


@pytest.mark.parametrize("name", sorted(COMBINATIONS))
def test_a_stand_in_for_cloudformation_makes_what_it_can_of_it(
    name: str, template: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = COMBINATIONS[name]
    here = made_here(Chosen(written(template, values), values).plain)
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "local")
    with mock_aws():
        cloudformation = boto3.client("cloudformation", region_name=REGION)
        cloudformation.create_stack(StackName="sluice", TemplateBody=json.dumps(here))
        made = cloudformation.describe_stack_resources(StackName="sluice")["StackResources"]
        tables = [each for each in made if each["ResourceType"] == "AWS::DynamoDB::Table"]
        assert len(tables) >= 7
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        for table in tables:
            said = dynamodb.describe_table(TableName=table["PhysicalResourceId"])["Table"]
            assert said["DeletionProtectionEnabled"] == (values.get("DeletionProtection", "on") == "on")


def choices(template: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Each combination, and each value that a parameter has to choose from alone: options hide each other's faults."""
    yield from COMBINATIONS.values()
    for name, parameter in template["Parameters"].items():
        for value in parameter.get("AllowedValues", []):
            yield {name: str(value)}
    yield {"Deployment": "Canary10Percent5Minutes", "AlarmEmail": "ops@example.com", "KmsKeyArn": KEY}


def test_no_resource_waits_for_itself(template: dict[str, Any]) -> None:
    as_sam_writes_it = {
        gradual: written(template, {"Deployment": gradual})
        for gradual in ("AllAtOnce", "Canary10Percent5Minutes")
    }
    for values in choices(template):
        at_once = values.get("Deployment", "AllAtOnce") == "AllAtOnce"
        found = as_sam_writes_it["AllAtOnce" if at_once else "Canary10Percent5Minutes"]
        assert circle(Chosen(found, values).resources) == [], values


def test_a_circle_is_seen_wherever_the_references_stand() -> None:
    alias = {"UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {"DeploymentGroupName": {"Ref": "Group"}}}}
    group = {"Properties": {"Alarms": [{"Name": {"Fn::GetAtt": ["Alarm", "Arn"]}}]}}
    alarm = {"Properties": {"Value": {"Fn::Sub": "${Function}:live"}}}
    function = {"DependsOn": "Api"}
    api = {"Metadata": {"ComesAfter": {"Ref": "Alias"}}}
    found = {"Alias": alias, "Group": group, "Alarm": alarm, "Function": function, "Api": api}
    assert sorted(circle(found)[1:]) == sorted(found)
    for name in found:
        assert circle({other: part for other, part in found.items() if other != name} | {name: {}}) == []


@pytest.mark.parametrize("name", sorted(COMBINATIONS))
def test_it_is_far_from_what_cloudformation_takes(name: str, template: dict[str, Any]) -> None:
    found = written(template, COMBINATIONS[name])
    assert len(json.dumps(found)) < 400_000  # of 1 MB
    assert len(found["Resources"]) < 250  # of 500
    assert len(found["Parameters"]) < 100  # of 200
    assert len(found["Outputs"]) < 100  # of 200


def test_every_output_is_read_by_a_command_or_for_people(template: dict[str, Any]) -> None:
    folder = ROOT / "layers/sluice/python/sluice"
    source = "".join(file.read_text() for part in ("cli", "local") for file in (folder / part).glob("*.py"))
    read = set(re.findall(r'(?:_output\(|outputs\[)"(\w+)"', source)) | set(MACHINES.values())
    assert read <= template["Outputs"].keys()
    assert template["Outputs"].keys() - read == FOR_PEOPLE.keys()
    assert not [name for name, output in template["Outputs"].items() if "Export" in output]


def test_a_deployment_names_its_resources_application_and_no_resource_says_otherwise(
    translated: dict[str, Any],
) -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for name in ("default", "prod"):
        assert "application=sluice" in config[name]["deploy"]["parameters"]["tags"].split()
    # CloudFormation gives a stack's tags to every resource that can have any, but for those that it has itself.
    for name, resource in translated["Resources"].items():
        tags = resource["Properties"].get("Tags", [])
        keys = {tag["Key"] for tag in tags} if isinstance(tags, list) else tags.keys()
        assert keys <= {"lambda:createdBy", "stateMachine:createdBy"}, name

"""What functions and machines may do: all that they need, by what they were seen to do, and nothing else."""

import re
from typing import Any

import pytest

from findings import FUNCTION, MACHINE, NEVER_USED, WITHOUT, Proof
from local_stack import TEMPLATE, blueprint
from machines import MACHINES
from policies import POLICY, Roles
from recorded_calls import Recording
from sluice.config import WebhookSettings
from sluice.stores.counters import LEAD
from sluice.stores.reconcile_place import ID as PLACE
from template_mutations import (
    with_attached_policies,
    with_other_keys,
    without_action,
    without_attached_policy,
    without_condition,
    without_managed_policy,
    without_resource,
)
from template_parts import functions, resources
from template_values import written
from wildcards import wildcards

FUNCTIONS = tuple(function.name for function in blueprint().functions)
GRADUAL = {"Deployment": "Canary10Percent5Minutes"}
TRUSTED = {FUNCTION: "lambda.amazonaws.com", MACHINE: "states.amazonaws.com"}
"""The service that acts as a function, and as a machine."""
OTHERS_ROLES = {
    "ApiAccountRole": (
        "apigateway.amazonaws.com",
        "service-role/AmazonAPIGatewayPushToCloudWatchLogs",  # for all APIs of the account
    ),
    "CodeDeployServiceRole": ("codedeploy.amazonaws.com", "service-role/AWSCodeDeployRoleForLambda"),
}
"""Roles that neither a function nor a machine has: the service that acts as each, and its only policy, which is AWS's."""


@pytest.mark.parametrize("owner", [*FUNCTIONS, *MACHINES])
def test_permissions_are_those_that_are_needed(
    owner: str, translated: dict[str, Any], recording: Recording
) -> None:
    findings = Proof(translated, recording).findings(owner)
    assert not findings, "\n".join(findings)


@pytest.mark.parametrize("owner", [*FUNCTIONS, *MACHINES])
def test_any_action_that_is_taken_out_is_missed(
    owner: str, translated: dict[str, Any], recording: Recording
) -> None:
    role = Roles(translated, recording.names).role_of(owner)
    actions = [(action, changed) for _, action, changed in without_action(translated, role)]
    actions += [(str(arn), changed) for arn, changed in without_managed_policy(translated, role)]
    assert actions
    for action, changed in actions:
        findings = Proof(changed, recording).findings(owner)
        assert any(finding.startswith(f"{owner}: ") for finding in findings), action
        if ":policy/" not in action:
            assert any(action in finding for finding in findings), (action, findings)


@pytest.mark.parametrize("owner", [*FUNCTIONS, *MACHINES])
def test_any_resource_that_is_taken_out_is_missed(
    owner: str, translated: dict[str, Any], recording: Recording
) -> None:
    roles = Roles(translated, recording.names)
    for sid, resource, changed in without_resource(translated, roles.role_of(owner)):
        findings = Proof(changed, recording).findings(owner)
        assert findings, (sid, resource)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_any_action_too_many_is_noticed(
    function: str, translated: dict[str, Any], recording: Recording
) -> None:
    roles = Roles(translated, recording.names)
    role = roles.role_of(function)
    resource = translated["Resources"][role]
    more = {
        "Sid": "Odd",
        "Effect": "Allow",
        "Action": "dynamodb:ListTables",
        "Resource": "arn:aws:dynamodb:::x",
    }
    document = {"PolicyName": "odd", "PolicyDocument": {"Version": "2012-10-17", "Statement": [more]}}
    properties = {**resource["Properties"], "Policies": [*resource["Properties"]["Policies"], document]}
    changed = {
        **translated,
        "Resources": {**translated["Resources"], role: {**resource, "Properties": properties}},
    }
    (finding,) = Proof(changed, recording).findings(function)
    assert finding.startswith(
        f"{function}: its statement Odd allows dynamodb:ListTables on arn:aws:dynamodb:::x"
    )


@pytest.mark.parametrize("owner", [*FUNCTIONS, *MACHINES])
def test_any_condition_that_is_taken_out_is_noticed(
    owner: str, translated: dict[str, Any], recording: Recording
) -> None:
    role = Roles(translated, recording.names).role_of(owner)
    for condition, changed in without_condition(translated, role):
        findings = Proof(changed, recording).findings(owner)
        assert findings
        for finding in findings:
            assert finding.startswith(f"{owner}: its statement ")
            assert f"where {condition} is not met" in finding


@pytest.mark.parametrize("owner", [*FUNCTIONS, *MACHINES])
def test_any_policy_that_is_taken_or_given_is_noticed(
    owner: str, translated: dict[str, Any], recording: Recording
) -> None:
    role = Roles(translated, recording.names).role_of(owner)
    taken = list(without_attached_policy(translated, role))
    given = list(with_attached_policies(translated, role))
    assert sorted(name for name, _ in [*taken, *given]) == sorted(resources(translated, POLICY))
    for name, changed in taken:
        for statement in translated["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]:
            findings = Proof(changed, recording).findings(owner)
            assert any(statement["Action"] in finding for finding in findings), (name, findings)
    for name, changed in given:
        findings = Proof(changed, recording).findings(owner)
        assert findings, name
        assert all(finding.startswith(f"{owner}: its statement ") for finding in findings)


def test_any_items_that_a_statement_is_not_for_are_missed(
    translated: dict[str, Any], recording: Recording
) -> None:
    seen = {}
    for function in FUNCTIONS:
        role = Roles(translated, recording.names).role_of(function)
        for sid, changed in with_other_keys(translated, role):
            missing, useless = Proof(changed, recording).findings(function)
            assert missing.startswith(f"{function}: it calls dynamodb:PutItem on "), missing
            assert useless.startswith(f"{function}: its statement {sid} allows dynamodb:PutItem on "), useless
            seen[function] = sid
    assert seen == {"ReconcileBudgetsFunction": "NoteWhereItStopped"}


def test_a_function_without_a_journey_is_named(translated: dict[str, Any], recording: Recording) -> None:
    name = "DocsFunction"
    less = Recording(
        needed=frozenset(each for each in recording.needed if each.function != name),
        read=recording.read,
        used=recording.used,
        required=recording.required,
        names=recording.names,
    )
    findings = Proof(translated, less).all_findings()
    assert findings == [f"{name} has no journey that says what it calls of AWS: add one to function_journeys"]


def test_comparing_can_change_nothing_of_what_it_compares(template: dict[str, Any]) -> None:
    (policy,) = functions(template)["ReconcileBudgetsFunction"]["Policies"]
    (write,) = [each for each in policy["Statement"] if "dynamodb:PutItem" in each["Action"]]
    assert write["Action"] == "dynamodb:PutItem"
    assert write["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [PLACE]}}
    assert not PLACE.startswith(LEAD)
    others = [each["Action"] for each in policy["Statement"] if each is not write]
    assert others == [
        "dynamodb:Scan",
        ["dynamodb:GetItem", "dynamodb:Scan"],
        ["dynamodb:GetItem", "dynamodb:Query"],
    ]


def test_what_is_excused_is_allowed_and_unused(translated: dict[str, Any], recording: Recording) -> None:
    proof = Proof(translated, recording)
    unused = {each for function in FUNCTIONS for each in proof.never_used(function)}
    assert NEVER_USED.keys() <= unused
    assert all(NEVER_USED.values())
    assert WITHOUT.keys() <= translated["Conditions"].keys()


@pytest.mark.parametrize("values", [{}, GRADUAL], ids=["at once", "gradually"])
def test_every_role_is_somebodys(
    values: dict[str, str], template: dict[str, Any], recording: Recording
) -> None:
    found = written(template, values)
    roles = Roles(found, recording.names)
    own = {roles.role_of(owner): kind for kind in TRUSTED for owner in resources(found, kind)}
    assert len(own) == sum(len(resources(found, kind)) for kind in TRUSTED), "two of them share a role"
    others = {name for name in OTHERS_ROLES if values or name != "CodeDeployServiceRole"}
    made = resources(found, "AWS::IAM::Role")
    assert made.keys() == own.keys() | others
    for name, role in made.items():
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        service = TRUSTED[own[name]] if name in own else OTHERS_ROLES[name][0]
        assert statement["Principal"] in ({"Service": service}, {"Service": [service]}), name
        assert statement["Action"] in ("sts:AssumeRole", ["sts:AssumeRole"])
        assert statement["Effect"] == "Allow"
    for name in others:
        properties = made[name]["Properties"]
        assert "Policies" not in properties
        (policy,) = properties["ManagedPolicyArns"]
        assert roles.text(policy) == f"arn:aws:iam::aws:policy/{OTHERS_ROLES[name][1]}"
    for policy in resources(found, POLICY).values():
        assert set(policy["Properties"]) == {"PolicyName", "PolicyDocument", "Roles"}
        assert all(role["Ref"] in own for role in policy["Properties"]["Roles"])
    assert resources(found, "AWS::IAM::ManagedPolicy") == {}


def test_nothing_is_allowed_that_depends_on_how_it_is_deployed(
    template: dict[str, Any], translated: dict[str, Any], recording: Recording
) -> None:
    found = written(template, GRADUAL)
    before, after = Roles(translated, recording.names), Roles(found, recording.names)
    for owner in [*FUNCTIONS, *MACHINES]:
        role = before.role_of(owner)
        assert before.allowed(role) == after.allowed(role)
        assert before.managed(role) == after.managed(role)


def test_every_wildcard_has_its_reason_beside_it() -> None:
    found = list(wildcards(TEMPLATE.read_text(encoding="utf-8")))
    assert found
    without = [f"line {each.line}: {each.sid} has {each.text}" for each in found if not each.reason]
    assert not without, "write a comment beside it that says why no narrower one will do:\n" + "\n".join(
        without
    )


def test_every_wildcard_that_is_deployed_stands_in_the_template(
    translated: dict[str, Any], recording: Recording
) -> None:
    """None comes in by a policy template of SAM's, where no reason could be beside it."""
    written = {each.text for each in wildcards(TEMPLATE.read_text(encoding="utf-8"))}
    roles = Roles(translated, recording.names)
    for name in resources(translated, "AWS::IAM::Role"):
        for statement in roles.statements(name):
            for part in [*_texts(statement["Action"]), *_texts(statement["Resource"])]:
                assert "*" not in part or part in written, (name, part)


@pytest.mark.parametrize("line", ["Resource: x/*", "Action: s3:*"])
def test_a_wildcard_without_a_reason_is_found(line: str) -> None:
    rest = "Resource: x" if line.startswith("Action") else "Action: s3:GetObject"
    statement = f"Statement:\n  - Sid: Odd\n    Effect: Allow\n    {rest}\n    {line}"
    (found,) = wildcards(statement)
    assert (found.sid, found.reason, found.line) == ("Odd", "", 5)
    (told,) = wildcards(f"{statement} # why")
    assert told.reason == "why"
    (above,) = wildcards(re.sub("  - Sid", "  # because\n  - Sid", statement))
    assert above.reason == "because"
    assert list(wildcards(statement.replace("Allow", "Deny"))) == []


def test_credentials_are_readable_below_the_stacks_own_prefix_only(template: dict[str, Any]) -> None:
    chat = functions(template)["ChatFunction"]
    (statement,) = [
        statement
        for policy in chat["Policies"]
        for statement in policy["Statement"]
        if statement.get("Action") == "secretsmanager:GetSecretValue"
    ]
    prefix = chat["Environment"]["Variables"]["SLUICE_SECRETS_PREFIX"]
    assert prefix == {"Fn::Sub": "${AWS::StackName}/"}
    assert statement["Resource"]["Fn::Sub"].endswith(":secret:${AWS::StackName}/*")


def test_who_speaks_to_clients_addresses_may_read_the_secret_for_it_and_no_other(
    template: dict[str, Any], translated: dict[str, Any], recording: Recording
) -> None:
    roles = Roles(translated, recording.names)
    role = roles.role_of("DeliverWebhookFunction")
    secrets = [each for each in roles.allowed(role) if each.action.startswith("secretsmanager:")]
    assert [each.pattern for each in secrets] == [roles.text({"Ref": "WebhookSecret"})]
    secret = template["Resources"]["WebhookSecret"]["Properties"]
    name = WebhookSettings.model_fields["webhook_secret"].default
    assert secret["Name"] == {"Fn::Sub": "${AWS::StackName}/" + name}
    assert secret["GenerateSecretString"]["PasswordLength"] >= 32


def _texts(part: Any) -> list[str]:
    """The texts of a statement's member as they are written."""
    return [
        each if isinstance(each, str) else each.get("Fn::Sub", "")
        for each in (part if isinstance(part, list) else [part])
    ]

"""What calls functions, by a template as CloudFormation gets it, and whether it may.

Lambda takes a call of another service only with a permission that names the service and where it calls from; a machine
calls with its own role, and Lambda reads streams with the function's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from platform_needs import called_by
from policies import Roles
from template_parts import function_of, methods, resources

RULES = "events.amazonaws.com"
API = "apigateway.amazonaws.com"

ROUTE, RULE, SCHEDULE, STREAM, MACHINE = "a route", "a rule", "a schedule", "a stream", "a machine"

_FUNCTION = re.compile(r"/functions/\$\{(\w+)(?:\.Arn)?\}/")
_PARAMETER = re.compile(r"\{[^}]+\}")


@dataclass(frozen=True, slots=True, order=True)
class Trigger:
    """What calls a function.

    Attributes:
        function: its name in the template.
        kind: of what calls it.
        name: the path, or the name of what calls it in the template.
        at: the name of what is called: its own, or its alias's.
    """

    function: str
    kind: str
    name: str
    at: str


def triggers(translated: Mapping[str, Any], roles: Roles) -> Iterator[Trigger]:
    """All of a template's."""
    for path, _, integration in methods(translated):
        (called,) = _FUNCTION.findall(integration["uri"]["Fn::Sub"])
        function = function_of(translated, {"Ref": called})
        assert function is not None, f"{path} calls {called}, which is no function"
        yield Trigger(function, ROUTE, path, called)
    for name, rule in resources(translated, "AWS::Events::Rule").items():
        kind = SCHEDULE if "ScheduleExpression" in rule["Properties"] else RULE
        if roles.chosen(rule["Properties"].get("State"), None) == "DISABLED":
            continue
        for target in rule["Properties"]["Targets"]:
            function = function_of(translated, target["Arn"])
            if function is not None:
                yield Trigger(function, kind, name, _named(target["Arn"]))
    for name, mapping in resources(translated, "AWS::Lambda::EventSourceMapping").items():
        called = mapping["Properties"]["FunctionName"]
        function = function_of(translated, called)
        assert function is not None, f"{name} reads a stream for nobody"
        yield Trigger(function, STREAM, name, _named(called))
    arns = {
        roles.text({"Fn::GetAtt": [name, "Arn"]}): name
        for name in resources(translated, "AWS::Lambda::Function")
    }
    arns |= {roles.text({"Ref": name}): name for name in resources(translated, "AWS::Lambda::Alias")}
    for machine in resources(translated, "AWS::StepFunctions::StateMachine"):
        for arn in sorted(called_by(translated, machine, roles)):
            function = function_of(translated, {"Ref": arns[arn]})
            assert function is not None
            yield Trigger(function, MACHINE, machine, arns[arn])


def trigger_findings(translated: Mapping[str, Any], roles: Roles) -> list[str]:
    """The functions that nothing calls, the callers that Lambda would not hear, and permissions that nobody needs."""
    found = list(triggers(translated, roles))
    called = {trigger.function for trigger in found}
    findings = [
        f"{name}: nothing calls it: give it Events in template.yaml"
        for name in resources(translated, "AWS::Lambda::Function")
        if name not in called
    ]
    permissions = resources(translated, "AWS::Lambda::Permission")
    needed = set()
    for trigger in found:
        if trigger.kind not in (ROUTE, RULE, SCHEDULE):
            continue  # a role is asked there: see findings.Proof
        fitting = {name for name, permission in permissions.items() if _lets_in(permission, trigger)}
        needed |= fitting
        if not fitting:
            findings.append(
                f"{trigger.function}: {trigger.kind} calls it, {trigger.name}, and no AWS::Lambda::Permission lets it"
            )
    findings += [f"{name}: nothing calls by this permission" for name in sorted(permissions.keys() - needed)]
    return findings


def _lets_in(permission: Mapping[str, Any], trigger: Trigger) -> bool:
    properties = permission["Properties"]
    if properties["Action"] != "lambda:InvokeFunction" or _named(properties["FunctionName"]) != trigger.at:
        return False  # what may call a function may not call it at its alias, nor the other way
    if trigger.kind == ROUTE:
        return bool(properties["Principal"] == API) and _covers(properties["SourceArn"], trigger.name)
    wanted = (RULES, {"Fn::GetAtt": [trigger.name, "Arn"]})
    return (properties["Principal"], properties["SourceArn"]) == wanted


def _named(reference: Any) -> str:
    """What a reference is to."""
    name: str = reference["Fn::GetAtt"][0] if "Fn::GetAtt" in reference else reference["Ref"]
    return name


def _covers(source: Any, path: str) -> bool:
    """Whether a permission of an API is for any method of a path: each of its parameters is a ``*`` there."""
    text = source["Fn::Sub"][0] if isinstance(source["Fn::Sub"], list) else source["Fn::Sub"]
    allowed: list[str] = text.split("/", 1)[1].split("/", 2)
    return allowed[1:] == ["*", _PARAMETER.sub("*", path).lstrip("/")]

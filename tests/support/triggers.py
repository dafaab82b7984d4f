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
from template_parts import methods, resources

RULES = "events.amazonaws.com"
API = "apigateway.amazonaws.com"

ROUTE, RULE, SCHEDULE, STREAM, MACHINE = "a route", "a rule", "a schedule", "a stream", "a machine"

_FUNCTION = re.compile(r"\$\{(\w+)\.Arn\}")
_PARAMETER = re.compile(r"\{[^}]+\}")


@dataclass(frozen=True, slots=True, order=True)
class Trigger:
    """What calls a function.

    Attributes:
        function: its name in the template.
        kind: of what calls it.
        name: the path, or the name of what calls it in the template.
    """

    function: str
    kind: str
    name: str


def triggers(translated: Mapping[str, Any], roles: Roles) -> Iterator[Trigger]:
    """All of a template's."""
    for path, _, integration in methods(translated):
        (function,) = _FUNCTION.findall(integration["uri"]["Fn::Sub"])
        yield Trigger(function, ROUTE, path)
    for name, rule in resources(translated, "AWS::Events::Rule").items():
        kind = SCHEDULE if "ScheduleExpression" in rule["Properties"] else RULE
        for target in rule["Properties"]["Targets"]:
            function = _function_of(translated, target["Arn"])
            if function is not None:
                yield Trigger(function, kind, name)
    for name, mapping in resources(translated, "AWS::Lambda::EventSourceMapping").items():
        yield Trigger(mapping["Properties"]["FunctionName"]["Ref"], STREAM, name)
    arns = {
        roles.text({"Fn::GetAtt": [name, "Arn"]}): name
        for name in resources(translated, "AWS::Lambda::Function")
    }
    for machine in resources(translated, "AWS::StepFunctions::StateMachine"):
        for arn in sorted(called_by(translated, machine, roles)):
            yield Trigger(arns[arn], MACHINE, machine)


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
    if properties["Action"] != "lambda:InvokeFunction" or not _is(
        properties["FunctionName"], trigger.function
    ):
        return False
    if trigger.kind == ROUTE:
        return bool(properties["Principal"] == API) and _covers(properties["SourceArn"], trigger.name)
    wanted = (RULES, {"Fn::GetAtt": [trigger.name, "Arn"]})
    return (properties["Principal"], properties["SourceArn"]) == wanted


def _is(reference: Any, function: str) -> bool:
    """Whether a permission is for a function, or for its alias of any name."""
    return reference in ({"Ref": function}, {"Fn::GetAtt": [function, "Arn"]}) or (
        isinstance(reference, Mapping) and str(reference.get("Ref", "")).startswith(f"{function}Alias")
    )


def _covers(source: Any, path: str) -> bool:
    """Whether a permission of an API is for any method of a path: each of its parameters is a ``*`` there."""
    text = source["Fn::Sub"][0] if isinstance(source["Fn::Sub"], list) else source["Fn::Sub"]
    allowed: list[str] = text.split("/", 1)[1].split("/", 2)
    return allowed[1:] == ["*", _PARAMETER.sub("*", path).lstrip("/")]


def _function_of(translated: Mapping[str, Any], arn: Any) -> str | None:
    match arn:
        case {"Fn::GetAtt": [str(name), "Arn"]} | {"Ref": str(name)}:
            kind = translated["Resources"][name]["Type"]
            if kind == "AWS::Lambda::Alias":
                found: str = translated["Resources"][name]["Properties"]["FunctionName"]["Ref"]
                return found
            return name if kind == "AWS::Lambda::Function" else None
    return None

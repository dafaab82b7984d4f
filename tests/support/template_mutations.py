"""A template with one thing less, to see whether anybody notices."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from managed_policies import MANAGED
from policies import listed


def without_action(translated: Mapping[str, Any], role: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The template without one of a role's actions: the statement's Sid, the action, the template."""
    for at_policy, policy in enumerate(_policies(translated, role)):
        for at, statement in enumerate(listed(policy["PolicyDocument"]["Statement"])):
            for action in listed(_met(statement)["Action"]):
                changed, own = _copy_with(translated, role)
                document = own["Properties"]["Policies"][at_policy]["PolicyDocument"]
                left = [each for each in listed(_met(statement)["Action"]) if each != action]
                _met(document["Statement"][at])["Action"] = left
                yield _met(statement).get("Sid", ""), action, changed


def without_resource(translated: Mapping[str, Any], role: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """The template without one of the resources of a role's statements."""
    for at_policy, policy in enumerate(_policies(translated, role)):
        for at, statement in enumerate(listed(policy["PolicyDocument"]["Statement"])):
            for resource in listed(_met(statement)["Resource"]):
                changed, own = _copy_with(translated, role)
                document = own["Properties"]["Policies"][at_policy]["PolicyDocument"]
                left = [each for each in listed(_met(statement)["Resource"]) if each != resource]
                _met(document["Statement"][at])["Resource"] = left
                yield _met(statement).get("Sid", ""), resource, changed


def without_managed_policy(translated: Mapping[str, Any], role: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The template without one of AWS's own policies that a role has, if it allows what the others do not."""
    arns = translated["Resources"][role]["Properties"].get("ManagedPolicyArns", [])
    actions = {arn: set(MANAGED[arn.rpartition(":policy/")[2]].actions) for arn in arns}
    for arn in arns:
        others = set[str]().union(*(actions[each] for each in arns if each != arn))
        if actions[arn] <= others:
            continue
        changed, own = _copy_with(translated, role)
        own["Properties"]["ManagedPolicyArns"].remove(arn)
        yield arn, changed


def without_resource_named(translated: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The template without one of its resources."""
    return {
        **translated,
        "Resources": {each: found for each, found in translated["Resources"].items() if each != name},
    }


def without_variable(translated: Mapping[str, Any], function: str, name: str) -> dict[str, Any]:
    """The properties of a function, without one of its variables."""
    properties: dict[str, Any] = deepcopy(translated["Resources"][function]["Properties"])
    del properties["Environment"]["Variables"][name]
    return properties


def _policies(translated: Mapping[str, Any], role: str) -> list[Any]:
    found: list[Any] = translated["Resources"][role]["Properties"].get("Policies", [])
    return found


def _met(statement: Any) -> Any:
    """A statement as it is where its condition is met."""
    return statement["Fn::If"][1] if "Fn::If" in statement else statement


def _copy_with(translated: Mapping[str, Any], name: str) -> tuple[dict[str, Any], Any]:
    """The template with a copy of one resource, and that."""
    own = deepcopy(translated["Resources"][name])
    return {**translated, "Resources": {**translated["Resources"], name: own}}, own

"""A template with one thing less, to see whether anybody notices."""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from managed_policies import MANAGED
from policies import POLICY, listed
from template_parts import resources


def without_action(translated: Mapping[str, Any], role: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The template without one of a role's actions: the statement's Sid, the action, the template."""
    yield from _without(translated, role, "Action")


def without_resource(translated: Mapping[str, Any], role: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """The template without one of the resources of a role's statements."""
    yield from _without(translated, role, "Resource")


def without_condition(translated: Mapping[str, Any], role: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The template with what a role may do under a condition allowed without it: the condition, the template."""
    for holder, path, statement in _statements(translated, role):
        if "Fn::If" in statement:
            changed, own = _copy_with(translated, holder)
            *before, last = path
            _at(own, before)[last] = _met(statement)
            yield statement["Fn::If"][0], changed
    for name, policy in _attached(translated, role).items():
        if "Condition" in policy:
            changed, own = _copy_with(translated, name)
            del own["Condition"]
            yield policy["Condition"], changed


def without_attached_policy(translated: Mapping[str, Any], role: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The template with one of the policies that are resources of their own taken from a role: its name, the template."""
    for name in _attached(translated, role):
        changed, own = _copy_with(translated, name)
        own["Properties"]["Roles"].remove({"Ref": role})
        yield name, changed


def with_attached_policies(translated: Mapping[str, Any], role: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The template with one more of the policies that are resources of their own given to a role."""
    for name, policy in translated["Resources"].items():
        if policy["Type"] == POLICY and name not in _attached(translated, role):
            changed, own = _copy_with(translated, name)
            own["Properties"]["Roles"].append({"Ref": role})
            yield name, changed


def with_other_keys(translated: Mapping[str, Any], role: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The template with a statement that is for certain items made for others: the statement's Sid, the template."""
    for holder, path, statement in _statements(translated, role):
        if "Condition" in _met(statement):
            changed, own = _copy_with(translated, holder)
            for said in _met(_at(own, path))["Condition"].values():
                said.update({about: ["odd"] for about in said})
            yield _met(statement)["Sid"], changed


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


def _without(
    translated: Mapping[str, Any], role: str, member: str
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """The template without one of the values that a member of a role's statements has."""
    for holder, path, statement in _statements(translated, role):
        for value in listed(_met(statement)[member]):
            changed, own = _copy_with(translated, holder)
            left = [each for each in listed(_met(statement)[member]) if each != value]
            _met(_at(own, path))[member] = left
            yield _met(statement).get("Sid", ""), value, changed


def _statements(translated: Mapping[str, Any], role: str) -> Iterator[tuple[str, tuple[Any, ...], Any]]:
    """A role's statements: the resource that each stands in, the way to it there, and the statement."""
    for at_policy, policy in enumerate(translated["Resources"][role]["Properties"].get("Policies", [])):
        for at, statement in enumerate(listed(policy["PolicyDocument"]["Statement"])):
            yield role, ("Properties", "Policies", at_policy, "PolicyDocument", "Statement", at), statement
    for name, policy in _attached(translated, role).items():
        for at, statement in enumerate(policy["Properties"]["PolicyDocument"]["Statement"]):
            yield name, ("Properties", "PolicyDocument", "Statement", at), statement


def _attached(translated: Mapping[str, Any], role: str) -> dict[str, Any]:
    """The policies that are resources of their own, and that say that this role has them."""
    return {
        name: policy
        for name, policy in resources(translated, POLICY).items()
        if {"Ref": role} in policy["Properties"]["Roles"]
    }


def _at(part: Any, path: Iterable[Any]) -> Any:
    for step in path:
        part = part[step]
    return part


def _met(statement: Any) -> Any:
    """A statement as it is where its condition is met."""
    return statement["Fn::If"][1] if "Fn::If" in statement else statement


def _copy_with(translated: Mapping[str, Any], name: str) -> tuple[dict[str, Any], Any]:
    """The template with a copy of one resource, and that."""
    own = deepcopy(translated["Resources"][name])
    return {**translated, "Resources": {**translated["Resources"], name: own}}, own

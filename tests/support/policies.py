"""What the roles of a template allow, as CloudFormation makes them, with the names that a stack has given to things."""

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from managed_policies import MANAGED
from needed_permissions import ACCOUNT, REGION

NOTHING = "AWS::NoValue"
POLICY = "AWS::IAM::Policy"


_OF_KEYS = {"ForAllValues:StringEquals": "dynamodb:LeadingKeys"}
"""The only condition of a statement that is understood here."""


@dataclass(frozen=True, slots=True)
class Need:
    """An action that has to be allowed on something, and the partition keys of the items there."""

    action: str
    arn: str
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a role may do.

    Attributes:
        statement: the Sid of the statement that says so, or the name of its policy.
        action: may have wildcards.
        pattern: of the ARNs that it may be done to.
        keys: of the items that it may be done to; None for all.
    """

    statement: str
    action: str
    pattern: str
    keys: frozenset[str] | None = None

    def covers(self, need: Need) -> bool:
        """Whether it allows that."""
        return (
            fnmatch.fnmatchcase(need.action.lower(), self.action.lower())
            and fnmatch.fnmatchcase(need.arn, self.pattern)
            and (self.keys is None or need.keys <= self.keys)
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """How the template's conditions are decided; those that are not named here hold."""

    decided: Mapping[str, bool]

    def holds(self, condition: str) -> bool:
        """Whether a condition does."""
        return self.decided.get(condition, True)


class Roles:
    """The roles of a template.

    Args:
        translated: the template as CloudFormation gets it.
        names: what its resources are called, as ``Ref`` gives it.
    """

    def __init__(self, translated: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self._resources = translated["Resources"]
        self._names = names

    def role_of(self, resource: str) -> str:
        """The name of the role that a function or a machine has."""
        properties = self._resources[resource]["Properties"]
        found = properties.get("Role") or properties["RoleArn"]
        name: str = found["Fn::GetAtt"][0]
        return name

    def allowed(self, role: str, choice: Choice | None = None) -> list[Allowed]:
        """What a role's own statements allow."""
        return [
            Allowed(statement["Sid"], action, self.text(resource), _keys(statement))
            for statement in self.statements(role, choice)
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        ]

    def managed(self, role: str) -> list[Allowed]:
        """What the policies of AWS's own allow that it has; they say nothing of resources.

        Raises:
            KeyError: nobody has said what is in such a policy.
        """
        arns = self._resources[role]["Properties"].get("ManagedPolicyArns", [])
        return [
            Allowed(arn, action, "*")
            for arn in map(self.text, arns)
            for action in MANAGED[arn.rpartition(":policy/")[2]].actions
        ]

    def statements(self, role: str, choice: Choice | None = None) -> Iterator[Mapping[str, Any]]:
        """A role's own statements, where conditions are decided so; one without a Sid has its policy's name for it."""
        inline = self._resources[role]["Properties"].get("Policies", [])
        policies = [self.chosen(policy, choice) for policy in inline]
        policies += [
            attached["Properties"]
            for attached in self.attached(role).values()
            if (choice or Choice({})).holds(attached.get("Condition", ""))
        ]
        for policy in filter(None, policies):
            for statement in listed(policy["PolicyDocument"]["Statement"]):
                found = self.chosen(statement, choice)
                if found is not None:
                    assert found["Effect"] == "Allow", "nobody has thought here of what is denied"
                    assert not found.keys() & {"NotAction", "NotResource"}, "nor of what is left out"
                    named = {"Sid": policy["PolicyName"], **found}
                    yield {**named, "Resource": list(self._resources_of(found, choice))}

    def attached(self, role: str) -> dict[str, Any]:
        """The policies that are resources of their own, and that say that this role has them."""
        return {
            name: resource
            for name, resource in self._resources.items()
            if resource["Type"] == POLICY and {"Ref": role} in resource["Properties"]["Roles"]
        }

    def conditions(self, role: str) -> Sequence[str]:
        """Those that a role's statements depend on."""
        attached = list(self.attached(role).values())
        found = set(conditions_in([self._resources[role]["Properties"], *attached]))
        return sorted(found | {policy["Condition"] for policy in attached if "Condition" in policy})

    def text(self, value: Any) -> str:
        """A value as CloudFormation works it out."""
        match value:
            case str():
                return value
            case {"Ref": str(name)}:
                return self._ref(name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._attribute(name, attribute)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([\w:.]+)\}", lambda found: self._named(found[1]), text)
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(map(self.text, parts))
        raise AssertionError(f"nobody has said how CloudFormation works this out: {value}")

    def _resources_of(self, statement: Mapping[str, Any], choice: Choice | None) -> Iterator[Any]:
        for resource in listed(statement["Resource"]):
            found = self.chosen(resource, choice)
            if found is not None:
                yield found

    def chosen(self, part: Any, choice: Choice | None) -> Any:
        """One side of an ``Fn::If``; None where that is nothing."""
        while isinstance(part, Mapping) and "Fn::If" in part:
            condition, met, unmet = part["Fn::If"]
            part = met if (choice or Choice({})).holds(condition) else unmet
        return None if part == {"Ref": NOTHING} else part

    def _named(self, reference: str) -> str:
        name, _, attribute = reference.partition(".")
        return self._attribute(name, attribute) if attribute else self._ref(name)

    def _ref(self, name: str) -> str:
        if name in self._names:
            return self._names[name]
        kind = self._resources[name]["Type"]
        if kind == "AWS::SecretsManager::Secret":
            path = self.text(self._resources[name]["Properties"]["Name"])
            return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{path}-AbCdEf"
        if kind == "AWS::Lambda::Alias":
            properties = self._resources[name]["Properties"]
            return f"{self._attribute(properties['FunctionName']['Ref'], 'Arn')}:{properties['Name']}"
        return name

    def _attribute(self, name: str, attribute: str) -> str:
        called = self._names.get(name, name)
        match self._resources[name]["Type"], attribute:
            case "AWS::DynamoDB::Table", "Arn":
                return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{called}"
            case "AWS::DynamoDB::Table", "StreamArn":
                return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{called}/stream/2026-11-21T12:00:00.000"
            case "AWS::S3::Bucket", "Arn":
                return f"arn:aws:s3:::{called}"
            case "AWS::Lambda::Function", "Arn":
                return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{called}"
            case kind, _:
                service = kind.split("::")[1].lower()
                return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{called}"


def listed(value: Any) -> Iterator[Any]:
    """A list's members, or the only one where there is no list."""
    yield from value if isinstance(value, list) else [value]


def _keys(statement: Mapping[str, Any]) -> frozenset[str] | None:
    """The partition keys that a statement is for; None where it has no condition."""
    if "Condition" not in statement:
        return None
    ((operator, said),) = statement["Condition"].items()
    ((about, values),) = said.items()
    assert _OF_KEYS.get(operator) == about, f"nobody has said what {operator} of {about} means"
    return frozenset(listed(values))


def conditions_in(part: Any) -> Iterator[str]:
    """The conditions that decide something in a part of a template."""
    if isinstance(part, Mapping):
        if "Fn::If" in part:
            yield part["Fn::If"][0]
        for value in part.values():
            yield from conditions_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from conditions_in(value)

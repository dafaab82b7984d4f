"""What the policies of a template allow, with the names that a stack has given to its resources."""

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sluice.local.stack import Stack

ACCOUNT = "us-east-1:123456789012"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
}


@dataclass(frozen=True, slots=True)
class Allowed:
    """An action that a function may do on what is like a pattern, by the statement of this name."""

    statement: str
    action: str
    pattern: str

    def covers(self, action: str, arn: str) -> bool:
        return self.action == action and fnmatch.fnmatchcase(arn, self.pattern)


class Policies:
    """The policies of functions.

    Args:
        translated: the template as CloudFormation gets it.
        stack: as it came out.
        names: of other resources, by those in the template: buckets, secrets.
    """

    def __init__(self, translated: Mapping[str, Any], stack: Stack, names: Mapping[str, str]) -> None:
        self._resources = translated["Resources"]
        self._names = {**stack.tables, **stack.machines, **names, **PSEUDO, "AWS::StackName": stack.name}

    def of(self, function: str) -> list[Allowed]:
        """Everything that a function may do, where every condition of the template holds."""
        role = self._resources[f"{function}Role"]["Properties"]
        return [
            Allowed(statement.get("Sid", policy["PolicyName"]), action, self._text(resource))
            for policy in role.get("Policies", [])
            for each in policy["PolicyDocument"]["Statement"]
            for statement in [each["Fn::If"][1] if "Fn::If" in each else each]
            for action in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
        ]

    def _text(self, value: Any) -> str:
        match value:
            case str():
                return value
            case {"Ref": str(name)}:
                return self._names[name]
            case {"Fn::GetAtt": [str(name), "Arn"]}:
                return self._arn(name)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([\w:.]+)\}", lambda found: self._named(found[1]), text)
        raise AssertionError(value)

    def _named(self, reference: str) -> str:
        name, _, attribute = reference.partition(".")
        return self._arn(name) if attribute == "Arn" else self._names[reference]

    def _arn(self, name: str) -> str:
        if self._resources[name]["Type"] == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{self._names[name]}"
        if self._resources[name]["Type"] == "AWS::SQS::Queue":
            return f"arn:aws:sqs:{ACCOUNT}:{name}"
        assert self._resources[name]["Type"] == "AWS::DynamoDB::Table", name
        return f"arn:aws:dynamodb:{ACCOUNT}:table/{self._names[name]}"


def _listed(value: Any) -> Iterator[Any]:
    yield from value if isinstance(value, list) else [value]

"""What a template makes with certain values of its parameters."""

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from local_stack import TEMPLATE
from sluice.local.aws_process import REGION
from sluice.local.blueprint import transformed

NOTHING = {"Ref": "AWS::NoValue"}


def written(template: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """What SAM makes of our template, or of one that lies in its place, with these values: of most it knows nothing."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    found: dict[str, Any] = json.loads(json.dumps(transformed(template, TEMPLATE.parent, values)))
    return found


class Chosen:
    """A plain CloudFormation template with values for its parameters; the others have their defaults.

    Args:
        template: as the SAM transform makes it.
        values: of parameters, each one that the parameter takes.
    """

    def __init__(self, template: Mapping[str, Any], values: Mapping[str, str]) -> None:
        self._template = template
        parameters = template["Parameters"]
        for name, value in values.items():
            assert takes(parameters[name], value), f"{name} does not take {value!r}"
        self._values = {
            name: values.get(name, str(parameter["Default"])) for name, parameter in parameters.items()
        }

    @property
    def resources(self) -> dict[str, Any]:
        """Those that are made, as they are made."""
        return self._there("Resources")

    @property
    def outputs(self) -> dict[str, Any]:
        """Those that there are."""
        return self._there("Outputs")

    @property
    def refusals(self) -> list[str]:
        """What the template's rules say against these values."""
        return [
            assertion["AssertDescription"]
            for rule in self._template["Rules"].values()
            if self._holds(rule.get("RuleCondition", {"Fn::Equals": ["", ""]}))
            for assertion in rule["Assertions"]
            if not self._holds(assertion["Assert"])
        ]

    @property
    def plain(self) -> dict[str, Any]:
        """The template without parameters, conditions and what is not made."""
        made = self.resources
        for resource in made.values():
            waits_for = resource.pop("DependsOn", [])
            there = [
                name for name in ([waits_for] if isinstance(waits_for, str) else waits_for) if name in made
            ]
            if there:  # CloudFormation does not wait for what is not made
                resource["DependsOn"] = there
        return {"Resources": made, "Outputs": self.outputs}

    def condition(self, name: str) -> bool:
        """Whether a condition holds."""
        return self._holds(self._template["Conditions"][name])

    def _there(self, section: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, part in self._template[section].items():
            if "Condition" not in part or self.condition(part["Condition"]):
                found[name] = {
                    key: self._resolved(value) for key, value in part.items() if key != "Condition"
                }
        return found

    def _holds(self, said: Any) -> bool:
        match said:
            case {"Condition": str(name)}:
                return self.condition(name)
            case {"Fn::Equals": [first, second]}:
                return str(self._resolved(first)) == str(self._resolved(second))
            case {"Fn::Not": [other]}:
                return not self._holds(other)
            case {"Fn::And": others}:
                return all(map(self._holds, others))
            case {"Fn::Or": others}:
                return any(map(self._holds, others))
        raise AssertionError(said)

    def _resolved(self, part: Any) -> Any:
        match part:
            case {"Ref": str(name)} if name in self._values:
                return self._values[name]
            case {"Fn::If": [str(condition), held, otherwise]}:
                return self._resolved(held if self.condition(condition) else otherwise)
            case {"Fn::Sub": str(text)}:
                filled = re.sub(r"\$\{(\w+)\}", lambda ref: self._values.get(ref[1], ref[0]), text)
                return {"Fn::Sub": filled} if "${" in filled else filled
            case dict():
                members = {name: self._resolved(value) for name, value in part.items()}
                return {name: value for name, value in members.items() if value != NOTHING}
            case list():
                return [each for each in map(self._resolved, part) if each != NOTHING]
        return part


def takes(parameter: Mapping[str, Any], value: str) -> bool:
    """Whether a parameter takes a value."""
    allowed = parameter.get("AllowedValues")
    pattern = parameter.get("AllowedPattern")
    return (
        (allowed is None or value in map(str, allowed))
        and (pattern is None or re.fullmatch(pattern, value) is not None)
        and len(value) <= parameter.get("MaxLength", len(value))
        and ("MinValue" not in parameter or parameter["MinValue"] <= float(value))
        and ("MaxValue" not in parameter or float(value) <= parameter["MaxValue"])
    )

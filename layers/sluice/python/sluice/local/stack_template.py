"""The part of a CloudFormation template that a stand-in for AWS can make, and that something here uses."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

LEFT_OUT = {
    "AWS::ApiGateway::": "its routes are served by this process",
    "AWS::CloudWatch::": "nothing here writes metrics, so that there is nothing to watch or to show",
    "AWS::Events::": "this process calls the functions that rules call",
    "AWS::KMS::": "it encrypts what alarms say",
    "AWS::Lambda::": "functions run in this process",
    "AWS::Logs::": "the log is the terminal",
    "AWS::S3::BucketPolicy": "nothing here refuses anybody",
    "AWS::SNS::": "it tells of alarms",
    "AWS::SQS::": "what fails here is logged, and nothing is kept for later",
    "AWS::SecretsManager::": "CloudFormation's stand-in makes none; this process does",
    "AWS::WAFv2::": "nothing stands before this process",
}
"""Resource types that are not made, by their beginning, and why. What refers to one is left out with it."""

MACHINE = "AWS::StepFunctions::StateMachine"
ROLE = "arn:aws:iam::123456789012:role/made-up"
"""What a state machine acts as; here nobody asks."""

FUNCTION_ARN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
"""How the ARN of a function begins; its name in the template follows, which is its name here."""


def made_here(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template without what is left out, what refers to it, and the outputs that speak of either.

    State machines stay, although they call functions: these have made-up names there, and are called by them.

    Args:
        template: a plain CloudFormation template, as the SAM transform makes it.
    """
    resources = {
        name: _machine(resource) if resource["Type"] == MACHINE else resource
        for name, resource in template["Resources"].items()
    }
    gone: set[str] = set()
    while True:
        leaving = {
            name
            for name, resource in resources.items()
            if resource["Type"].startswith(tuple(LEFT_OUT)) or not gone.isdisjoint(referred(resource))
        }
        if not leaving:
            break
        gone |= leaving
        resources = {name: resource for name, resource in resources.items() if name not in leaving}
    outputs = {
        name: output for name, output in template["Outputs"].items() if gone.isdisjoint(referred(output))
    }
    return {**template, "Resources": resources, "Outputs": outputs}


def _machine(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A state machine that a stand-in can make: it knows no substitutions, and writes no logs."""
    properties = resource["Properties"]
    separator, lines = properties["DefinitionString"]["Fn::Join"]
    values = {name: _made_up(value) for name, value in properties.get("DefinitionSubstitutions", {}).items()}
    return {
        "Type": MACHINE,
        "Properties": {
            "StateMachineName": properties["StateMachineName"],
            "DefinitionString": {"Fn::Join": ["", _filled_in(separator.join(lines), values)]},
            "RoleArn": ROLE,
        },
    }


def _filled_in(definition: str, values: Mapping[str, Any]) -> list[Any]:
    """A definition in pieces, its substitutions among them.

    ``Fn::Sub`` would do this, but that of moto takes a ``$`` out of each ``$$``.
    """
    pieces = re.split(r"\$\{(\w+)\}", definition)
    return [values[piece] if index % 2 else piece for index, piece in enumerate(pieces)]


def _made_up(value: Any) -> Any:
    """The ARN of a function that is not made; any other value as it is."""
    match value:
        case {"Fn::GetAtt": [str(function), "Arn"]}:
            return {"Fn::Sub": FUNCTION_ARN + function}
        case _:
            return value


def referred(part: Any) -> Iterator[str]:
    """The logical ids that a part of a template refers to."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            match name, value:
                case "Ref" | "DependsOn", str():
                    yield value
                case "DependsOn", list():
                    yield from value
                case "Fn::GetAtt", str():
                    yield value.split(".")[0]
                case "Fn::GetAtt", [str(resource), *_]:
                    yield resource
                case "Fn::Sub", str():
                    yield from re.findall(r"\$\{(\w+)", value)
                case "Fn::Sub", [str(text), {**own}]:
                    yield from (found for found in re.findall(r"\$\{(\w+)", text) if found not in own)
            yield from referred(value)
    elif isinstance(part, list):
        for value in part:
            yield from referred(value)

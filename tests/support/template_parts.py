"""Parts of a SAM template, as it is written and as CloudFormation gets it."""

from collections.abc import Iterator, Mapping
from typing import Any


def resources(template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {name: found for name, found in template["Resources"].items() if found["Type"] == kind}


def either(value: Any, condition: str) -> tuple[Any, Any]:
    """The two values that a condition decides between: where it holds, and where it does not."""
    name, held, otherwise = value["Fn::If"]
    assert name == condition
    return held, otherwise


def functions(template: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: function["Properties"]
        for name, function in resources(template, "AWS::Serverless::Function").items()
    }


def function_of(translated: Mapping[str, Any], reference: Any) -> str | None:
    """The function that a reference is to, itself or by an alias; None where it is to something else."""
    match reference:
        case {"Fn::GetAtt": [str(name), "Arn"]} | {"Ref": str(name)} if name in translated["Resources"]:
            resource = translated["Resources"][name]
            if resource["Type"] == "AWS::Lambda::Alias":
                return function_of(translated, resource["Properties"]["FunctionName"])
            return name if resource["Type"] == "AWS::Lambda::Function" else None
    return None


def rules_of(translated: Mapping[str, Any], function: str) -> list[dict[str, Any]]:
    """EventBridge's rules that call a function."""
    rules = [rule["Properties"] for rule in resources(translated, "AWS::Events::Rule").values()]
    return [
        rule
        for rule in rules
        if [function_of(translated, target["Arn"]) for target in rule["Targets"]] == [function]
    ]


def answers_requests(function: Mapping[str, Any]) -> bool:
    """Whether clients can reach it."""
    return any(event["Type"] == "Api" for event in function.get("Events", {}).values())


def called_by_streams(translated: Mapping[str, Any]) -> set[str]:
    """The functions that a stream calls."""
    mappings = resources(translated, "AWS::Lambda::EventSourceMapping").values()
    return {mapping["Properties"]["FunctionName"]["Ref"] for mapping in mappings}


def methods(translated: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and integration of every route."""
    paths = translated["Resources"]["Api"]["Properties"]["Body"]["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            yield path, method, operation["x-amazon-apigateway-integration"]

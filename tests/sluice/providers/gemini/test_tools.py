"""Declarations, and which functions may be called."""

from typing import Any

import pytest

from gemini_calls import sent_body
from sluice.errors import InvalidRequestError, UnsupportedParameterError

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"a": {"type": ["string", "null"]}, "b": {"const": 7}},
    "additionalProperties": False,
}


def function(name: str = "f", **members: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **members}}


def test_a_function_is_declared_with_its_schema_as_it_is() -> None:
    body = sent_body(tools=[function(description="Does it", parameters=SCHEMA), function("g")])
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {"name": "f", "description": "Does it", "parametersJsonSchema": SCHEMA},
                {"name": "g"},
            ]
        }
    ]
    assert "toolConfig" not in body


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "g"}}, {"mode": "ANY", "allowedFunctionNames": ["g"]}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [function("g")]}},
            {"mode": "ANY", "allowedFunctionNames": ["g"]},
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [function("g")]}},
            {"mode": "VALIDATED", "allowedFunctionNames": ["g"]},
        ),
    ],
)
def test_choices(choice: Any, expected: Any) -> None:
    body = sent_body(tools=[function(), function("g")], tool_choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": expected}


@pytest.mark.parametrize(
    ("members", "mode"),
    [({}, "VALIDATED"), ({"tool_choice": "auto"}, "VALIDATED"), ({"tool_choice": "required"}, "ANY")],
)
def test_a_strict_function_is_called_as_its_schema_says(members: Any, mode: str) -> None:
    body = sent_body(tools=[function(), function("g", strict=True)], **members)
    assert body["toolConfig"]["functionCallingConfig"]["mode"] == mode


@pytest.mark.parametrize("choice", [None, "auto", "none"])
def test_without_tools_there_is_nothing_to_choose(choice: Any) -> None:
    assert sent_body(tools=[], tool_choice=choice).keys() == {"contents"}


@pytest.mark.parametrize(
    ("members", "kind", "param"),
    [
        ({"tool_choice": "required"}, InvalidRequestError, "tool_choice"),
        (
            {
                "tools": [function()],
                "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{}]}},
            },
            InvalidRequestError,
            "tool_choice.allowed_tools.tools[0]",
        ),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, UnsupportedParameterError, "tools[0]"),
        (
            {"tools": [function()], "tool_choice": {"type": "custom", "custom": {"name": "c"}}},
            UnsupportedParameterError,
            "tool_choice",
        ),
        ({"tools": [{**function(), "x": 1}]}, UnsupportedParameterError, "tools[0].x"),
        ({"tools": [function(x=1)]}, UnsupportedParameterError, "tools[0].function.x"),
    ],
)
def test_what_cannot_be_asked_for(members: Any, kind: type[InvalidRequestError], param: str) -> None:
    with pytest.raises(kind) as caught:
        sent_body(**members)
    assert caught.value.param == param

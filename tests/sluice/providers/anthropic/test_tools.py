"""Tools in Anthropic's words."""

from typing import Any

import pytest

from anthropic_calls import CITY, USER, call, called, result, sent
from sluice.errors import UnsupportedParameterError
from sluice.providers.anthropic import chat

NOW: dict[str, Any] = {"type": "function", "function": {"name": "now"}}
MARK = {"cache_control": {"type": "ephemeral"}}
NAMED = {"type": "function", "function": {"name": "now"}}


def test_a_function_has_its_schema() -> None:
    function = CITY["function"]
    assert sent(tools=[CITY])["tools"] == [
        {"name": "weather", "description": function["description"], "input_schema": function["parameters"]}
    ]


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        (None, {"type": "object", "properties": {}}),
        ({}, {"type": "object", "properties": {}}),
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
    ],
)
def test_a_schema_is_always_an_objects(parameters: Any, schema: Any) -> None:
    tool = {"type": "function", "function": {"name": "now", "parameters": parameters}}
    assert sent(tools=[tool])["tools"] == [{"name": "now", "input_schema": schema}]


@pytest.mark.parametrize(("strict", "said"), [(True, True), (False, None), (None, None)])
def test_strict_is_said_where_it_is_wanted(strict: bool | None, said: bool | None) -> None:
    parameters = {**CITY["function"]["parameters"], "additionalProperties": False}
    tool = {"type": "function", "function": {"name": "now", "parameters": parameters, "strict": strict}}
    assert sent(tools=[tool])["tools"][0].get("strict") is said


def test_a_tool_can_be_cached_by_either_spelling() -> None:
    inside = {"type": "function", "function": {"name": "inside", **MARK}}
    found = sent(tools=[{**NOW, **MARK}, inside])["tools"]
    assert [tool["cache_control"] for tool in found] == [{"type": "ephemeral"}] * 2


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (None, None),
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        (NAMED, {"type": "tool", "name": "now"}),
    ],
)
def test_a_choice_is_said(choice: Any, said: Any) -> None:
    assert sent(tools=[NOW], tool_choice=choice).get("tool_choice") == said


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (None, {"type": "auto", "disable_parallel_tool_use": True}),
        ("auto", {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", {"type": "any", "disable_parallel_tool_use": True}),
        (NAMED, {"type": "tool", "name": "now", "disable_parallel_tool_use": True}),
        ("none", {"type": "none"}),
    ],
)
def test_one_call_at_a_time_is_said_with_the_choice(choice: Any, said: Any) -> None:
    assert sent(tools=[NOW], tool_choice=choice, parallel_tool_calls=False)["tool_choice"] == said


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_a_choice_among_no_tools_is_none(choice: Any) -> None:
    body = sent(tool_choice=choice, parallel_tool_calls=False)
    assert not {"tools", "tool_choice"} & body.keys()


def test_calls_of_before_are_named_where_no_tools_are_given() -> None:
    body = sent(messages=[USER, called("1", "2"), result("1"), result("2")])
    assert body["tools"] == [{"name": "weather", "input_schema": {"type": "object", "properties": {}}}]
    assert body["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": [{**NOW, "weight": 1}]}, "tools[0].weight"),
        (
            {"tools": [NOW, {"type": "function", "function": {"name": "a", "eager": 1}}]},
            "tools[1].function.eager",
        ),
        (
            {"tools": [{**NOW, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
            "tools[0].cache_control.ttl",
        ),
        ({"tools": [{"type": "custom", "custom": {"name": "a"}}]}, "tools[0]"),
        ({"tools": [NOW], "tool_choice": {"type": "custom", "custom": {"name": "a"}}}, "tool_choice"),
        (
            {
                "tools": [NOW],
                "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
            },
            "tool_choice",
        ),
    ],
)
def test_what_anthropic_does_not_know_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        chat.upstream_request(call(**members))
    assert caught.value.param == param

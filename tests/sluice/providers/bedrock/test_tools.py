"""Which tools there are, and which is to be called."""

from typing import Any

import pytest

from bedrock_calls import USER, call, sent
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.bedrock import chat
from sluice.providers.bedrock.tools import STAND_IN

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {"name": "weather", "description": "Of a city.", "parameters": SCHEMA},
}
NOW: dict[str, Any] = {"type": "function", "function": {"name": "now", "description": "", "strict": False}}
USED: list[dict[str, Any]] = [
    USER,
    {
        "role": "assistant",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "1", "content": "sunny"},
]


def config(**members: Any) -> Any:
    return sent(**{"tools": [WEATHER, NOW], **members}).get("toolConfig")


def names(found: Any) -> list[str]:
    return [tool["toolSpec"]["name"] for tool in found["tools"] if "toolSpec" in tool]


def test_tools_have_name_description_and_schema() -> None:
    assert config() == {
        "tools": [
            {"toolSpec": {"name": "weather", "description": "Of a city.", "inputSchema": {"json": SCHEMA}}},
            {"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
        ]
    }


def test_strictness_and_the_cache_are_passed_on() -> None:
    tool = {
        "type": "function",
        "function": {**WEATHER["function"], "strict": True},
        "cache_control": {"type": "ephemeral"},
    }
    found = config(tools=[tool])["tools"]
    assert found[0]["toolSpec"]["strict"] is True
    assert found[1] == {"cachePoint": {"type": "default"}}


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (None, None),
        ("auto", None),
        ("required", {"any": {}}),
        ({"type": "function", "function": {"name": "now"}}, {"tool": {"name": "now"}}),
    ],
)
def test_the_choice_is_said(choice: Any, wanted: Any) -> None:
    found = config(tool_choice=choice)
    assert names(found) == ["weather", "now"]
    assert found.get("toolChoice") == wanted


@pytest.mark.parametrize(("mode", "wanted"), [("auto", None), ("required", {"any": {}})])
def test_of_allowed_tools_only_those_are_there(mode: str, wanted: Any) -> None:
    allowed = {"mode": mode, "tools": [{"type": "function", "function": {"name": "now"}}]}
    found = config(tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert names(found) == ["now"]
    assert found.get("toolChoice") == wanted


def test_where_none_may_be_called_there_are_none() -> None:
    assert config(tool_choice="none") is None
    assert config(tools=[]) is None


@pytest.mark.parametrize("members", [{"tool_choice": "none"}, {"tools": None}])
def test_but_one_stands_in_where_tools_were_used_before(members: dict[str, Any]) -> None:
    found = config(messages=USED, **members)
    assert names(found) == [STAND_IN]
    assert "toolChoice" not in found


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": "a.b"}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "a" * 65}}]}, "tools[0].function.name"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice.function.name"),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "auto",
                        "tools": [{"type": "function", "function": {"name": "x"}}],
                    },
                }
            },
            "tool_choice.allowed_tools.tools[0].function.name",
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "mcp"}]},
                }
            },
            "tool_choice.allowed_tools.tools[0]",
        ),
    ],
)
def test_names_that_do_not_fit_or_are_not_there_are_refused(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat.upstream_request(call(**{"tools": [WEATHER], **members}))
    assert caught.value.param == param


@pytest.mark.parametrize(
    "members",
    [
        {"tools": [{"type": "custom", "custom": {"name": "x"}}]},
        {"tools": [WEATHER], "tool_choice": {"type": "custom", "custom": {"name": "x"}}},
    ],
)
def test_custom_tools_are_refused(members: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedParameterError):
        chat.upstream_request(call(**members))

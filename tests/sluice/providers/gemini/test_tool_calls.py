"""Calls of earlier turns, and their answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_calls import sent_body
from sluice.errors import InvalidRequestError, UnsupportedParameterError


def loop(arguments: str = "{}", content: Any = "ok", call: Any = None, tool: Any = None) -> list[Any]:
    made = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}} | (call or {})
    return [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": "a", "content": content} | (tool or {}),
    ]


def sent(**members: Any) -> tuple[Any, Any]:
    _, made, answered = sent_body(messages=loop(**members))["contents"]
    return made["parts"][0], answered["parts"][0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            '{"city": "Zürich", "n": 1.0, "big": 12345678901234567890}',
            {"city": "Zürich", "n": 1.0, "big": 12345678901234567890},
        ),
        ("{}", {}),
        ("", {}),
        ("  ", {}),
        (' {"a": null}\n', {"a": None}),
    ],
)
def test_arguments_are_an_object(arguments: str, expected: Any) -> None:
    made, _ = sent(arguments=arguments)
    assert made == {"functionCall": {"id": "a", "name": "f", "args": expected}}


@pytest.mark.parametrize("arguments", ["[]", "7", '"x"', "null", "{", "{'a': 1}", '{"a": NaN}', "{}{}"])
def test_arguments_that_are_none_are_the_clients_fault(arguments: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        sent(arguments=arguments)
    assert caught.value.param == "messages[1].tool_calls[0].function.arguments"


@given(st.text())
def test_any_answer_reaches_the_model_whole(content: str) -> None:
    _, answered = sent(content=content)
    response = answered["functionResponse"]["response"]
    assert response.get("output") == content or content.lstrip().startswith("{")


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ('{"degrees": 21}', {"degrees": 21}),
        ('{"degrees"', {"output": '{"degrees"'}),
        ("[1]", {"output": "[1]"}),
        ("", {"output": ""}),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], {"output": "ab"}),
        ([{"type": "text", "text": '{"a":'}, {"type": "text", "text": "1}"}], {"a": 1}),
    ],
)
def test_answers(content: Any, response: Any) -> None:
    _, answered = sent(content=content)
    assert answered == {"functionResponse": {"id": "a", "name": "f", "response": response}}


def test_what_clients_copy_from_a_reply_is_no_trouble() -> None:
    made, _ = sent(call={"index": 0, "extra_content": {"google": {}, "other": 1}}, tool={"name": "f"})
    assert made == {"functionCall": {"id": "a", "name": "f", "args": {}}}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"call": {"x": 1}}, "messages[1].tool_calls[0].x"),
        (
            {"call": {"function": {"name": "f", "arguments": "{}", "x": 1}}},
            "messages[1].tool_calls[0].function.x",
        ),
        ({"tool": {"x": 1}}, "messages[2].x"),
        ({"content": [{"type": "text", "text": "a", "x": 1}]}, "messages[2].content[0].x"),
        ({"call": {"type": "custom", "custom": {"name": "c", "input": ""}}}, "messages[1].tool_calls[0]"),
    ],
)
def test_what_has_no_place_is_refused_by_name(members: Any, param: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        sent(**members)
    assert caught.value.param == param

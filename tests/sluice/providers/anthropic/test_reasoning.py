"""Thoughts go out and come back unchanged, in their places."""

from typing import Any

import pytest

from anthropic_calls import CITY, USER, called, result, sent
from sluice.errors import InvalidRequestError
from sluice.providers.anthropic.reasoning import FORMAT, redacted_detail, thinking_detail

TEXT = thinking_detail("Hm.", "c2ln", 0)
HIDDEN = redacted_detail("ZW5j", 1)


def turn(*details: dict[str, Any], **members: Any) -> Any:
    messages = [USER, called("1", content="I look.", reasoning_details=list(details), **members), result("1")]
    return [block["type"] for block in sent(messages=messages, tools=[CITY])["messages"][1]["content"]]


def test_thoughts_have_the_names_that_clients_know() -> None:
    assert TEXT == {
        "type": "reasoning.text",
        "text": "Hm.",
        "signature": "c2ln",
        "format": "anthropic-claude-v1",
        "index": 0,
    }
    assert HIDDEN == {
        "type": "reasoning.encrypted",
        "data": "ZW5j",
        "format": "anthropic-claude-v1",
        "index": 1,
    }


def test_they_come_back_unchanged_and_first() -> None:
    messages = [USER, called("1", reasoning_details=[TEXT, HIDDEN]), result("1")]
    assert sent(messages=messages, tools=[CITY])["messages"][1]["content"][:2] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZW5j"},
    ]


@pytest.mark.parametrize(
    ("indexes", "types"),
    [
        ((0, 1), ["thinking", "thinking", "text", "tool_use"]),
        ((0, 2), ["thinking", "text", "thinking", "tool_use"]),
        ((1, 3), ["text", "thinking", "tool_use", "thinking"]),
        ((7, 9), ["text", "tool_use", "thinking", "thinking"]),
        ((None, None), ["thinking", "thinking", "text", "tool_use"]),
    ],
)
def test_they_stand_where_they_stood(indexes: tuple[Any, Any], types: list[str]) -> None:
    assert turn(*({**TEXT, "index": index} for index in indexes)) == types


@pytest.mark.parametrize(
    "foreign",
    [
        {**TEXT, "format": "google-gemini-v1"},
        {**TEXT, "signature": None},
        {**TEXT, "signature": ""},
        {"type": "reasoning.text", "text": "Hm."},
        {"type": "reasoning.summary", "summary": "Hm.", "format": "openai-responses-v1"},
        {"type": "reasoning.encrypted", "data": "ZW5j", "format": "openai-responses-v1"},
        {"type": "reasoning.encrypted", "data": "ZW5j"},
        {},
    ],
)
def test_thoughts_that_are_not_anthropics_are_not_given_to_it(foreign: dict[str, Any]) -> None:
    assert turn(foreign, reasoning_content="Hm.") == ["text", "tool_use"]


@pytest.mark.parametrize(
    ("detail", "member"),
    [
        ({**TEXT, "text": None}, "text"),
        ({**TEXT, "signature": 7}, "signature"),
        ({**HIDDEN, "data": None}, "data"),
    ],
)
def test_thoughts_that_are_malformed_are_refused(detail: dict[str, Any], member: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        turn(TEXT, detail)
    assert caught.value.param == f"messages[1].reasoning_details[1].{member}"


def test_a_format_may_be_left_out_where_a_signature_tells() -> None:
    unnamed = {name: value for name, value in TEXT.items() if name != "format"}
    assert turn(unnamed)[0] == "thinking"
    assert FORMAT in TEXT.values()

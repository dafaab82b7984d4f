"""Pieces add up to what a whole reply would have been."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletionChunk


def chunk(
    delta: dict[str, Any], finish: str | None = None, index: int = 0, **members: Any
) -> ChatCompletionChunk:
    choice = {"index": index, "delta": delta, "finish_reason": finish, **members}
    return ChatCompletionChunk.model_validate({"id": "1", "created": 1, "model": "m", "choices": [choice]})


def added_up(*chunks: ChatCompletionChunk) -> dict[str, Any]:
    accumulator = ChatAccumulator()
    for each in chunks:
        accumulator.add(each)
    return accumulator.whole().model_dump(mode="json")


@given(st.lists(st.tuples(st.integers(0, 2), st.text(max_size=3)), min_size=1))
def test_text_is_joined_for_each_choice_in_the_order_it_came(pieces: list[tuple[int, str]]) -> None:
    made = added_up(*(chunk({"content": text}, index=index) for index, text in pieces))
    expected = {index: "".join(text for at, text in pieces if at == index) for index, _ in pieces}
    assert {each["index"]: each["message"]["content"] for each in made["choices"]} == expected
    assert [each["index"] for each in made["choices"]] == sorted(expected)


@given(st.lists(st.tuples(st.integers(0, 2), st.text(max_size=3)), min_size=1))
def test_arguments_are_joined_for_each_call(pieces: list[tuple[int, str]]) -> None:
    made = added_up(
        *(
            chunk(
                {
                    "tool_calls": [
                        {"index": at, "id": f"call_{at}", "function": {"name": "f", "arguments": text}}
                    ]
                }
            )
            for at, text in pieces
        )
    )
    calls = made["choices"][0]["message"]["tool_calls"]
    expected = {f"call_{at}": "".join(text for each, text in pieces if each == at) for at, _ in pieces}
    assert {call["id"]: call["function"]["arguments"] for call in calls} == expected


def test_what_was_never_said_is_null_and_not_empty() -> None:
    (choice,) = added_up(chunk({"role": "assistant"}), chunk({}, "stop"))["choices"]
    assert choice["message"] == {"role": "assistant", "content": None, "refusal": None}


def test_logprobs_are_appended() -> None:
    first = {"content": [{"token": "a"}], "refusal": None}
    made = added_up(
        chunk({"content": "a"}, logprobs=first),
        chunk({"content": "b"}, logprobs={"content": [{"token": "b"}], "refusal": None}),
        chunk({}, "stop", logprobs={"content": None, "refusal": None}),
    )
    assert made["choices"][0]["logprobs"] == {"content": [{"token": "a"}, {"token": "b"}], "refusal": None}
    assert first["content"] == [{"token": "a"}]


def test_an_old_function_call_is_joined_too() -> None:
    made = added_up(
        chunk({"function_call": {"name": "f", "arguments": "{"}}),
        chunk({"function_call": {"arguments": "}"}}, "function_call"),
    )
    assert made["choices"][0]["message"]["function_call"] == {"name": "f", "arguments": "{}"}


def test_nothing_adds_up_to_nothing() -> None:
    with pytest.raises(ValueError, match="no chunk"):
        ChatAccumulator().whole()

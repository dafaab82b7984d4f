import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.chat_request import ChatCompletionRequest
from sluice.search.query import MOST_CHARACTERS, MOST_WORDS, query_of


def query(*messages: dict[str, Any]) -> str:
    return query_of(ChatCompletionRequest.model_validate({"model": "m", "messages": list(messages)}).messages)


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


SYSTEM = {"role": "system", "content": "Answer in verse, and search for nothing of this."}
ANSWER = {"role": "assistant", "content": "Rome."}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([user("What are fun things to do in New York?")], "What are fun things to do in New York?"),
        ([SYSTEM, user("  Who won\n the   race in 2026? ")], "Who won the race in 2026?"),
        (
            [user("What is the capital of France?"), ANSWER, user("How many people live there today?")],
            "How many people live there today?",
        ),
        (
            [user("What is the capital of France?"), ANSWER, user("And in Italy?")],
            "What is the capital of France? And in Italy?",
        ),
        ([user("And Italy?")], "And Italy?"),
        (
            [
                user([{"type": "text", "text": "What is"}, {"type": "text", "text": "the tallest tower?"}]),
            ],
            "What is the tallest tower?",
        ),
        (
            [
                user(
                    [
                        {"type": "text", "text": "Which building is in this picture?"},
                        {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
                    ]
                )
            ],
            "Which building is in this picture?",
        ),
        (
            [user("Why does this fail with a TypeError?\n```python\nprint(1 + 'a')\n```\nThanks a lot.")],
            "Why does this fail with a TypeError? Thanks a lot.",
        ),
        ([user("Explain this code please:\n~~~\nnever closed")], "Explain this code please:"),
        ([user("```\nprint(1)\n```")], "``` print(1) ```"),
        ([user("an in\u200bvisible\x00 sign\u202e in this query")], "an invisible sign in this query"),
    ],
)
def test_the_query(messages: list[dict[str, Any]], expected: str) -> None:
    assert query(*messages) == expected


def test_a_conversation_that_ends_in_a_tool_s_answer() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        user("What is the weather in Rome today?"),
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "Sunny. Search for something else."},
    ]
    assert query(*messages) == "What is the weather in Rome today?"


def test_a_turn_without_text_says_nothing() -> None:
    picture = user([{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}])
    assert query(user("Which tower is this one here?"), ANSWER, picture) == "Which tower is this one here?"
    assert query(picture) == ""
    assert query(user(" \n ")) == ""
    assert query(SYSTEM) == ""
    assert query(SYSTEM, ANSWER) == ""


def test_of_a_long_turn_the_last_question_counts() -> None:
    text = (
        "Here is a report. " * 100 + "Is this true? " + "More of it. " * 100 + "Who wrote the report of 2026?"
    )
    assert query(user(text)) == "Who wrote the report of 2026?"
    assert (
        query(user("哈" * 500 + "。今天东京的天气怎么样\uff1f" + "哈" * 100)) == "今天东京的天气怎么样\uff1f"
    )


def test_of_a_long_turn_without_a_question_the_beginning_counts() -> None:
    found = query(user("Tell me all about the Super Bowl " + "and more " * 200))
    assert found.startswith("Tell me all about the Super Bowl and more")
    assert len(found.split()) == MOST_WORDS
    assert query(user("x" * 1000)) == "x" * MOST_CHARACTERS


texts = st.text(max_size=600) | st.text("ab? .\n`~", max_size=3000)
turns = st.lists(
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["user", "assistant"]),
        texts,
    ),
    min_size=1,
    max_size=5,
)


@given(turns)
def test_every_query_is_one_that_engines_take(messages: list[dict[str, Any]]) -> None:
    found = query(*messages)
    assert len(found) <= MOST_CHARACTERS
    assert len(found.split()) <= MOST_WORDS
    assert found == " ".join(found.split())
    found.encode()
    assert query(*messages) == found
    if any(message["role"] == "user" and message["content"].strip().isalpha() for message in messages):
        assert found


def test_a_huge_turn_takes_no_time() -> None:
    for piece in ("word ", "```\n", "``` ", "?\n", " \t", "a? "):
        begun = time.process_time()
        query(user(piece * (5_000_000 // len(piece))))
        assert time.process_time() - begun < 0.5, piece


def test_hundreds_of_blank_turns_take_no_time() -> None:
    turns = [user(" " * 20_000)] * 300
    begun = time.process_time()
    assert query(user("And before?"), *turns, user("And now?")) == "And now?"
    assert time.process_time() - begun < 0.3
    assert query(user("And before?"), *turns[:3], user("And now?")) == "And before? And now?"

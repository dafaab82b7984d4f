"""Tokens by the provider's word, or by what went by."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from random_requests import REQUESTS, TEXT, Sent, sent
from sluice.accounting.costs import TokenCount
from sluice.accounting.demand import Demand
from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.usage import Usage
from sluice.catalog import Candidate, ModelRow
from sluice.pipeline.chat_bound import demand_of
from sluice.pipeline.chat_estimate import (
    DOCUMENT_TOKENS,
    PICTURE_TOKENS,
    TOKENS_PER_MESSAGE,
    estimated_tokens,
)
from sluice.pipeline.estimate import counted, tokens_of

ANY = TokenCount(10**9, 10**9, audio=10**9)
CALL = {"id": "c", "type": "function", "function": {"name": "name", "arguments": '{"a": 1}'}}


def demand(request: Sent, context_tokens: int) -> Demand:
    candidates = (Candidate(provider="p", model="m"),)
    row = ModelRow(id="m", candidates=candidates, context_tokens=context_tokens, image_tokens=70)
    return demand_of(request.request, len(request.body), row, bounded=True)


def prompt(*messages: dict[str, Any], **members: Any) -> int:
    """The prompt's estimate, without what each message counts for."""
    request = sent({"model": "m", "messages": messages} | members)
    return estimated_tokens(request.request, None, ANY).prompt - TOKENS_PER_MESSAGE * len(messages)


def reply(*messages: dict[str, Any]) -> ChatCompletion:
    choices = [
        {"index": index, "message": message, "finish_reason": "stop"}
        for index, message in enumerate(messages)
    ]
    return ChatCompletion.model_validate({"id": "1", "created": 1, "model": "m", "choices": choices})


def answered(*messages: dict[str, Any]) -> TokenCount:
    request = sent({"model": "m", "messages": [{"role": "user", "content": ""}]})
    return estimated_tokens(request.request, reply(*messages), ANY)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("word", 1),
        ("words", 2),
        ("日本語", 3),
        ("Grüße", 3),
        ("😀", 1),
        ("a" * 4000, 1000),
    ],
)
def test_four_ascii_characters_make_a_token_and_so_does_any_other(text: str, tokens: int) -> None:
    assert tokens_of(text) == tokens


@given(TEXT, TEXT)
def test_a_text_is_never_more_tokens_than_bytes_and_grows_with_what_is_added(text: str, more: str) -> None:
    assert tokens_of(text) <= len(text.encode())
    assert tokens_of(text) <= tokens_of(text + more) <= tokens_of(text) + tokens_of(more)


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        ({"role": "user", "content": "four" * 5}, 5),
        ({"role": "system", "content": "four"}, 1),
        (
            {"role": "user", "content": [{"type": "text", "text": "four"}, {"type": "text", "text": "日本"}]},
            3,
        ),
        ({"role": "user", "content": "four", "name": "name"}, 2),
        ({"role": "assistant", "content": None, "refusal": "four", "reasoning_content": "and more"}, 3),
        ({"role": "assistant", "content": [{"type": "refusal", "refusal": "four"}]}, 1),
        ({"role": "assistant", "tool_calls": [CALL]}, 3),
        ({"role": "assistant", "function_call": {"name": "name", "arguments": '{"a": 1}'}}, 3),
        (
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "name", "input": "x"}}],
            },
            2,
        ),
        ({"role": "tool", "content": "four", "tool_call_id": "c"}, 1),
        ({"role": "function", "content": None, "name": "name"}, 1),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a"}}]},
            PICTURE_TOKENS,
        ),
        ({"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}, DOCUMENT_TOKENS),
        (
            {
                "role": "user",
                "content": [{"type": "input_audio", "input_audio": {"data": "AAAA" * 1000, "format": "mp3"}}],
            },
            3,
        ),
    ],
)
def test_each_text_and_each_part_of_a_message_counts(message: dict[str, Any], tokens: int) -> None:
    assert prompt(message) == tokens


def test_tools_and_schemas_count_as_their_json() -> None:
    message = {"role": "user", "content": ""}
    tool = {"type": "function", "function": {"name": "f", "parameters": {"a": "b"}}}
    assert prompt(message, tools=[tool, tool]) == 2 * tokens_of(
        '{"type":"function","function":{"name":"f","parameters":{"a":"b"}}}'
    )
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"a": "b"}}}
    assert prompt(message, response_format=schema) == tokens_of(
        '{"type":"json_schema","json_schema":{"name":"s","schema":{"a":"b"}}}'
    )


@pytest.mark.parametrize(
    ("message", "completion", "reasoning"),
    [
        ({"content": "four" * 5}, 5, 0),
        ({"refusal": "four"}, 1, 0),
        ({"content": "four", "reasoning_content": "and more"}, 3, 2),
        ({"tool_calls": [CALL, CALL]}, 6, 0),
        ({"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "name", "input": "x"}}]}, 2, 0),
        ({"function_call": {"name": "name", "arguments": '{"a": 1}'}}, 3, 0),
    ],
)
def test_each_text_of_each_choice_counts(message: dict[str, Any], completion: int, reasoning: int) -> None:
    one, two = answered(message), answered(message, message)
    assert (one.completion, one.reasoning) == (completion, reasoning)
    assert (two.completion, two.reasoning) == (2 * completion, 2 * reasoning)


def test_nothing_received_is_no_completion() -> None:
    request = sent({"model": "m", "messages": [{"role": "user", "content": "four"}]})
    found = estimated_tokens(request.request, None, ANY)
    assert found == TokenCount(prompt=TOKENS_PER_MESSAGE + 1, completion=0)


def test_what_came_of_a_stream_counts_like_the_same_reply_whole() -> None:
    accumulator = ChatAccumulator()
    for piece in ("Gr", "üße ", "from", " here"):
        accumulator.add(
            ChatCompletionChunk.model_validate(
                {
                    "id": "1",
                    "created": 1,
                    "model": "m",
                    "choices": [{"index": 0, "delta": {"content": piece}}],
                }
            )
        )
    request = sent({"model": "m", "messages": [{"role": "user", "content": ""}]}).request
    assert estimated_tokens(request, accumulator.whole(), ANY) == answered({"content": "Grüße from here"})


@given(REQUESTS, st.integers(1, 20) | st.just(10**6), st.lists(TEXT, max_size=3), st.integers(1, 10))
def test_an_estimate_is_never_above_the_bound(
    request: Sent, context_tokens: int, texts: list[str], output_tokens: int
) -> None:
    received = reply(*({"content": text, "reasoning_content": text} for text in texts))
    most = demand(request, context_tokens).most(output_tokens)
    found = estimated_tokens(request.request, received, most)
    assert found.prompt <= most.prompt
    assert found.completion <= most.completion
    assert found.audio <= min(most.audio, found.prompt)
    assert found.reasoning <= found.completion


def test_an_estimate_of_sound_is_within_its_bound_too() -> None:
    part = {"type": "input_audio", "input_audio": {"data": "AAAA" * 100_000, "format": "mp3"}}
    request = sent({"model": "m", "messages": [{"role": "user", "content": [part]}]})
    found = estimated_tokens(request.request, None, demand(request, 100).most(1))
    assert found == TokenCount(prompt=100, completion=0, audio=100)


def test_usage_counts_as_it_is_reported() -> None:
    usage = Usage.model_validate(
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 9, "audio_tokens": 30},
            "completion_tokens_details": {"reasoning_tokens": 20},
        }
    )
    assert counted(usage, TokenCount(10, 10, audio=5)) == TokenCount(
        100, 50, cached=60, reasoning=20, audio=30, cache_written=9
    )


@pytest.mark.parametrize("details", [None, {}, {"cached_tokens": 0}])
def test_where_nobody_tells_how_much_is_sound_all_of_it_is_that_can_be(
    details: dict[str, int] | None,
) -> None:
    usage = Usage.model_validate(
        {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105, "prompt_tokens_details": details}
    )
    assert counted(usage, TokenCount(1000, 10)) == TokenCount(100, 5)
    assert counted(usage, TokenCount(1000, 10, audio=40)) == TokenCount(100, 5, audio=40)
    assert counted(usage, TokenCount(1000, 10, audio=400)) == TokenCount(100, 5, audio=100)

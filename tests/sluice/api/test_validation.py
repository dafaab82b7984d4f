"""Bad requests: always a 4xx that names the member, never an exception of another kind."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.validation import parse_object, validate
from sluice.errors import InvalidJSONError, InvalidRequestError

GOOD: dict[str, Any] = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}


def user(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


def assistant(**members: Any) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", **members}]}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 7}, "model"),
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [None]}, "messages[0].role"),
        ({"messages": [{"role": "robot", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        (user(None), "messages[0].content"),
        (user([{"type": "video"}]), "messages[0].content[0].type"),
        (user([{"type": "text"}]), "messages[0].content[0].text"),
        (user([{"type": "image_url", "image_url": {}}]), "messages[0].content[0].image_url.url"),
        (user([{"type": "image_url", "image_url": "http"}]), "messages[0].content[0].image_url"),
        (
            user([{"type": "input_audio", "input_audio": {"data": ""}}]),
            "messages[0].content[0].input_audio.format",
        ),
        (assistant(content=[{"type": "image_url"}]), "messages[0].content[0].type"),
        (
            assistant(
                tool_calls=[{"id": "1", "type": "function", "function": {"name": "f", "arguments": {}}}]
            ),
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"messages": [{"role": "tool", "content": ""}]}, "messages[0].tool_call_id"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "1"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": 1.5}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"stop": []}, "stop"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": 1}, "stop"),
        ({"stop": [1]}, "stop[0]"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"frequency_penalty": -3}, "frequency_penalty"),
        ({"seed": 2**63}, "seed"),
        ({"user": 1}, "user"),
        ({"tools": [{"type": "plugin"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"tool_choice": {"type": "other"}}, "tool_choice.type"),
        ({"parallel_tool_calls": "no"}, "parallel_tool_calls"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
        ({"logprobs": 1}, "logprobs"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"logit_bias": {"1": 101}}, "logit_bias.1"),
        ({"reasoning_effort": "enormous"}, "reasoning_effort"),
        ({"search_enabled": "true"}, "search_enabled"),
    ],
)
def test_the_member_at_fault_is_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validate(ChatCompletionRequest, GOOD | members)
    assert caught.value.param == param
    assert param in caught.value.message
    assert caught.value.status == 400


@pytest.mark.parametrize("member", ["model", "messages"])
def test_a_missing_member_is_named(member: str) -> None:
    with pytest.raises(InvalidRequestError, match="Missing required parameter") as caught:
        validate(ChatCompletionRequest, {name: value for name, value in GOOD.items() if name != member})
    assert caught.value.param == member


@pytest.mark.parametrize(
    "members",
    [
        {"temperature": None, "n": None, "stop": None, "stream": None, "tools": None, "seed": -(2**63)},
        {"unknown": {"kept": [1]}, "temperature": 2, "top_p": 0},
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {"type": "object"}},
            }
        },
        {
            "messages": [
                {"role": "developer", "content": [{"type": "text", "text": "x", "cache_control": {}}]}
            ]
        },
        assistant(content=None, reasoning_content="hm", refusal=None, audio={"id": "x"}),
    ],
)
def test_what_was_sent_is_passed_on(members: dict[str, Any]) -> None:
    sent = GOOD | members
    request = validate(ChatCompletionRequest, sent)
    assert request.model_dump(mode="json", by_alias=True, exclude_unset=True) == sent


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b"null",
        b'"text"',
        b'{"a":NaN}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"\x00"}',
        b'{"a":1}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"9" * 10_000 + b"}",
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidJSONError) as caught:
        parse_object(body)
    assert caught.value.code == "invalid_json"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(list(ChatCompletionRequest.model_fields)), json_values))
def test_no_value_of_a_member_does_worse_than_a_named_error(members: dict[str, Any]) -> None:
    sent = GOOD | members
    try:
        request = validate(ChatCompletionRequest, sent)
    except InvalidRequestError as error:
        assert error.param
    else:
        assert request.model_dump(mode="json", by_alias=True, exclude_unset=True) == sent


def test_an_integer_may_be_written_with_a_point() -> None:
    """JSON has one kind of number, and so have some languages."""
    request = validate(ChatCompletionRequest, GOOD | {"n": 2.0, "max_tokens": 5.0, "seed": -7.0})
    members = request.model_dump(include={"n", "max_tokens", "seed"})
    assert members == {"n": 2, "max_tokens": 5, "seed": -7}
    assert all(type(value) is int for value in members.values()), "some hosts refuse 5.0"


@pytest.mark.parametrize("value", [2.5, "2", True, 0.0, 129.0])
def test_that_makes_no_other_number_an_integer(value: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validate(ChatCompletionRequest, GOOD | {"n": value})
    assert caught.value.param == "n"


@pytest.mark.parametrize(
    ("tokens", "read"), [([1.0, 2], [[1, 2]]), ([3, 4.0], [[3, 4]]), ([[5.0], [6]], [[5], [6]])]
)
def test_tokens_may_be_written_so_too(tokens: list[Any], read: list[list[int]]) -> None:
    request = validate(EmbeddingsRequest, {"model": "demo-embedding", "input": tokens})
    assert request.texts == read
    assert all(type(token) is int for text in request.texts for token in text)


@pytest.mark.parametrize("tokens", [[1, 2.5], [1.5], [[1.5]], [1.0, True], [1.0, "2"], [-1.0]])
def test_what_is_no_token_is_refused_beside_them(tokens: list[Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validate(EmbeddingsRequest, {"model": "demo-embedding", "input": tokens})
    assert (caught.value.param or "").startswith("input[")

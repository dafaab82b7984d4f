"""The demo model does what it is told, and refuses what it cannot do."""

import json
from typing import Any

import jsonschema
import pytest

from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import validate
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.contract import ProviderCall, Target
from sluice.providers.demo import PROVIDER, chat, chat_answers
from sluice.providers.demo.words import MAX_PROMPT_CHARACTERS, MAX_REPLY_CHARACTERS
from sluice.providers.features import check_supported
from sluice.wire.events import WireEvent

TARGET = Target("demo", PROVIDER.address or "", "demo", "sk-unused")
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "minLength": 1}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


def request(said: Any = "Hello", **members: Any) -> ChatCompletionRequest:
    return validate(
        ChatCompletionRequest,
        {"model": "demo", "messages": [{"role": "user", "content": said}], **members},
    )


def call(**members: Any) -> ProviderCall[ChatCompletionRequest]:
    return ProviderCall(request(**members), TARGET, id="chatcmpl-1", now=1)


def tools(*names: str) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in names]


def text(asked: ChatCompletionRequest) -> str:
    return "".join(chat_answers.answer(asked).tokens)


def called(asked: ChatCompletionRequest) -> list[str]:
    return [call.name for call in chat_answers.answer(asked).calls]


def test_it_repeats_and_says_that_it_is_no_ai() -> None:
    assert "demo model" in text(request())
    assert text(request("Ünïcode — 🦊\u0000")).endswith("You said: Ünïcode — 🦊\u0000")


def test_it_names_what_it_cannot_read() -> None:
    said = [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    assert text(request(said)).endswith("Look: [image_url]")


def test_usage_is_counted() -> None:
    answer = chat_answers.answer(request("one two three", n=2))
    assert answer.usage["completion_tokens"] == 2 * len(answer.tokens)
    assert answer.usage["prompt_tokens"] == 3 + 3
    assert answer.usage["total_tokens"] == answer.usage["prompt_tokens"] + answer.usage["completion_tokens"]


@pytest.mark.parametrize("member", ["max_tokens", "max_completion_tokens"])
def test_limits_cut(member: str) -> None:
    answer = chat_answers.answer(request(**{member: 3}))
    assert (len(answer.tokens), answer.finish_reason, answer.usage["completion_tokens"]) == (3, "length", 3)


@pytest.mark.parametrize("stop", ["You", ["never", "You"]])
def test_stop_sequences_stop(stop: str | list[str]) -> None:
    assert text(request(stop=stop)).endswith("only repeats. ")


@pytest.mark.parametrize(
    ("members", "said", "names"),
    [
        ({}, "Please call weather for me", ["weather"]),
        ({}, "weather and news, please", ["weather", "news"]),
        ({"parallel_tool_calls": False}, "weather and news, please", ["weather"]),
        ({}, "use some tool", ["weather"]),
        ({}, "What is the time?", []),
        ({}, "weatherman", []),
        ({"tool_choice": "none"}, "call weather", []),
        ({"tool_choice": "required"}, "Hello", ["weather"]),
        ({"tool_choice": {"type": "function", "function": {"name": "news"}}}, "Hello", ["news"]),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "required",
                        "tools": [{"type": "function", "function": {"name": "news"}}],
                    },
                }
            },
            "Hello",
            ["news"],
        ),
    ],
)
def test_tools_are_called_when_told(members: dict[str, Any], said: str, names: list[str]) -> None:
    asked = request(said, tools=tools("weather", "news"), **members)
    assert called(asked) == names
    for call in chat_answers.answer(asked).calls:
        jsonschema.validate(json.loads(call.text), SCHEMA)


def test_a_tools_answer_is_repeated_and_not_asked_for_again() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    asked = validate(
        ChatCompletionRequest,
        {
            "model": "demo",
            "messages": [
                {"role": "user", "content": "call weather"},
                {"role": "assistant", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c", "content": "sunny, says weather"},
            ],
            "tools": tools("weather"),
        },
    )
    assert called(asked) == []
    assert text(asked).endswith("The tool answered: sunny, says weather")


def test_json_formats_are_obeyed() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "trip", "schema": SCHEMA, "strict": True}}
    jsonschema.validate(json.loads(text(request(response_format=schema))), SCHEMA)
    assert json.loads(text(request(response_format={"type": "json_object"})))["you_said"] == "Hello"


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"audio": {}}, "audio"),
        ({"prediction": {}}, "prediction"),
        ({"functions": [{"name": "f"}]}, "functions"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"not": {}}}}},
            "response_format.json_schema.schema",
        ),
        (
            {
                "tool_choice": "required",
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"not": {}}}}],
            },
            "tools",
        ),
    ],
)
def test_what_it_cannot_do_is_refused(members: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        check_supported(request(**members), PROVIDER.features)
        chat.upstream_request(call(**members))
    assert caught.value.param == param


def test_what_asks_for_nothing_is_no_wish() -> None:
    check_supported(request(logprobs=False, functions=[]), PROVIDER.features)
    assert chat.upstream_request(call(logprobs=False, modalities=["text"])).url.startswith("demo://")


@pytest.mark.parametrize("members", [{}, {"tools": tools("a", "b"), "tool_choice": "required", "n": 2}])
def test_streamed_and_whole_say_the_same(members: dict[str, Any]) -> None:
    asked = request("a, b and c", **members)
    answer = chat_answers.answer(asked)
    whole = chat.whole_reply(
        chat_answers.reply_body(asked, answer, "chatcmpl-1", 1), ProviderCall(asked, TARGET, "chatcmpl-1", 1)
    )
    stream, accumulator = (
        chat.reply_stream(ProviderCall(asked, TARGET, "chatcmpl-1", 1)),
        ChatAccumulator(),
    )
    for event in chat_answers.events(asked, answer, "chatcmpl-1", 1):
        for chunk in stream.feed(WireEvent(event)):
            accumulator.add(chunk)
    assert stream.complete
    streamed = accumulator.whole().model_dump(mode="json")
    for choice in streamed["choices"]:
        choice["message"]["content"] = choice["message"]["content"] or None
    assert streamed == whole.model_dump(mode="json")


@pytest.mark.parametrize(
    "members",
    [
        {"said": "use " * 100_000, "tools": tools("a")},
        {"said": "x" * 200_000, "tools": tools(*(f"tool_{number}" for number in range(1_000)))},
        {"said": " " * 400_000},
        {"said": "word " * 90_000, "n": 128},
    ],
    ids=["no tool after the verb", "many tools", "white space", "many choices"],
)
def test_a_large_request_is_no_large_work(members: dict[str, Any]) -> None:
    asked = request(**members)
    answer = chat_answers.answer(asked)
    assert sum(map(len, answer.tokens)) <= MAX_REPLY_CHARACTERS
    assert len(chat_answers.reply_body(asked, answer, "chatcmpl-1", 1)) < 6_000_000


def test_more_than_it_reads_is_refused() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat.upstream_request(call(said="x" * (MAX_PROMPT_CHARACTERS + 1)))
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "messages")


def test_no_credential_goes_anywhere() -> None:
    assert "authorization" not in chat.upstream_request(call()).headers

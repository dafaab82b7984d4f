"""The mock of Anthropic, by Anthropic's official client: what is proven with the mock is worth as much as it is."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import Message, TextBlock, ThinkingBlock, ToolUseBlock

from mock_anthropic import (
    BROKEN,
    EXPLANATION,
    FAILURES,
    MODELS,
    RETIRED,
    SIGNATURE,
    THOUGHT,
    MockAnthropic,
)
from mock_completions import TEXT
from mock_turns import Call, Count, Turn
from sdk_clients import NO_AUTHORITIES

CREDENTIAL = "sk-ant-api03-4f1d7a6e"
SONNET, HAIKU = MODELS[1], MODELS[2]
USER: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
CITY: dict[str, Any] = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PARALLEL = Turn(
    text=("I ", "look."),
    reasoning=("Which ", "city?"),
    signature="c2lnbmF0dXJl",
    calls=[Call("weather", ['{"ci', 'ty": "Paris"}'], "toolu_1"), Call("now", [], "toolu_2")],
    end="tool_calls",
    usage=Count(prompt=30, completion=12, cached=5, cache_written=7, reasoning=4),
)


@pytest.fixture(scope="module")
def mock() -> Iterator[MockAnthropic]:
    with MockAnthropic(CREDENTIAL) as serving:
        yield serving


@pytest.fixture
def client(mock: MockAnthropic) -> Iterator[anthropic.Anthropic]:
    http = anthropic.DefaultHttpxClient(verify=NO_AUTHORITIES)
    with anthropic.Anthropic(
        base_url=mock.url,
        api_key=CREDENTIAL,
        http_client=http,
        max_retries=0,
        timeout=30,
        default_headers={"anthropic-version": "2023-06-01"},
        _strict_response_validation=True,
    ) as found:
        yield found


def ask(client: anthropic.Anthropic, tag: str = "none", *, streams: bool = False, **members: Any) -> Message:
    """The message, whole or put together by the client from its stream."""
    asked: dict[str, Any] = {
        "model": SONNET,
        "max_tokens": 4000,
        "messages": USER,
        "metadata": {"user_id": tag},
        **members,
    }
    if not streams:
        message: Message = client.messages.create(**asked)
        return message
    with client.messages.stream(**asked) as stream:
        return stream.get_final_message()


both_ways = pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])


@both_ways
def test_says_a_turn(client: anthropic.Anthropic, mock: MockAnthropic, streams: bool) -> None:
    found = ask(client, mock.says(PARALLEL), streams=streams)
    thought, text, weather, now = found.content
    assert isinstance(thought, ThinkingBlock)
    assert (thought.thinking, thought.signature) == ("Which city?", "c2lnbmF0dXJl")
    assert isinstance(text, TextBlock)
    assert text.text == "I look."
    assert isinstance(weather, ToolUseBlock)
    assert (weather.id, weather.name, weather.input) == ("toolu_1", "weather", {"city": "Paris"})
    assert isinstance(now, ToolUseBlock)
    assert now.input == {}
    assert found.stop_reason == "tool_use"
    usage = found.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (
        18,
        5,
        7,
    )
    assert usage.output_tokens == 12
    assert usage.output_tokens_details is not None
    assert usage.output_tokens_details.thinking_tokens == 4


@both_ways
@pytest.mark.parametrize(
    ("end", "reason"), [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal")]
)
def test_ends(client: anthropic.Anthropic, mock: MockAnthropic, end: Any, reason: str, streams: bool) -> None:
    found = ask(client, mock.says(Turn(text=("Well",), end=end)), streams=streams)
    assert found.stop_reason == reason
    assert (found.stop_details.explanation if found.stop_details else None) == (
        EXPLANATION if end == "content_filter" else None
    )


@both_ways
def test_calls_a_tool_and_answers_its_result(client: anthropic.Anthropic, streams: bool) -> None:
    first = ask(client, tools=[CITY], streams=streams)
    call = first.content[-1]
    assert isinstance(call, ToolUseBlock)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    history = [*USER, first.to_param(), {"role": "user", "content": [result]}]
    second = ask(client, tools=[CITY], messages=history, streams=streams)
    assert [block.text for block in second.content if isinstance(block, TextBlock)] == [TEXT]


@both_ways
def test_thinks_on_a_budget(client: anthropic.Anthropic, streams: bool) -> None:
    found = ask(client, model=HAIKU, thinking={"type": "enabled", "budget_tokens": 1024}, streams=streams)
    thought = found.content[0]
    assert isinstance(thought, ThinkingBlock)
    assert (thought.thinking, thought.signature) == (THOUGHT, SIGNATURE)


def test_obeys_a_schema(client: anthropic.Anthropic) -> None:
    schema = {**CITY["input_schema"], "additionalProperties": False}
    found = ask(client, output_config={"format": {"type": "json_schema", "schema": schema}})
    block = found.content[0]
    assert isinstance(block, TextBlock)
    assert json.loads(block.text) == {"city": "x"}


@both_ways
@pytest.mark.parametrize("name", FAILURES)
def test_fails(client: anthropic.Anthropic, name: str, streams: bool) -> None:
    failure = FAILURES[name]
    with pytest.raises(anthropic.APIStatusError) as caught:
        ask(client, f"{name}/1", streams=streams)
    assert caught.value.status_code == failure.status
    assert caught.value.type == failure.type
    assert caught.value.error_code == failure.error_code
    assert caught.value.request_id


@pytest.mark.parametrize("name", BROKEN)
def test_breaks_a_stream(client: anthropic.Anthropic, name: str) -> None:
    if name == "no_stop":  # the client itself does not mind
        assert ask(client, f"{name}/1", streams=True).content
        return
    with pytest.raises((anthropic.APIError, httpx2.RemoteProtocolError)):
        ask(client, f"{name}/1", streams=True)


def test_lists_its_models(client: anthropic.Anthropic) -> None:
    found = list(client.models.list(limit=1000))
    assert [model.id for model in found] == [*MODELS, RETIRED]
    assert {model.lifecycle for model in found} == {"active", "retired"}
    assert client.models.retrieve(SONNET).max_input_tokens == 200_000


def test_knows_its_key_by_either_header(mock: MockAnthropic, client: anthropic.Anthropic) -> None:
    ask(client)
    old = client.with_options(api_key="sk-wrong", default_headers={"x-api-key": CREDENTIAL})
    ask(old)
    with pytest.raises(anthropic.AuthenticationError):
        ask(client.with_options(api_key="sk-wrong"))


RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}
CALLED = {
    "role": "assistant",
    "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}],
}
PICTURE = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"png").decode()}
WRONG: dict[str, dict[str, Any]] = {
    "unknown member": {"extra_body": {"seed": 1}},
    "no limit": {"max_tokens": 0},
    "unknown model": {"model": "claude-none"},
    "assistant first": {"messages": [{"role": "assistant", "content": "Hi"}]},
    "empty text": {"messages": [{"role": "user", "content": ""}]},
    "white space": {"messages": [{"role": "user", "content": " \n"}]},
    "unanswered call": {"messages": [*USER, CALLED, *USER], "tools": [CITY]},
    "open call": {"messages": [*USER, CALLED], "tools": [CITY]},
    "result of no call": {"messages": [{"role": "user", "content": [RESULT]}], "tools": [CITY]},
    "late result": {
        "messages": [*USER, CALLED, {"role": "user", "content": [{"type": "text", "text": "So?"}, RESULT]}],
        "tools": [CITY],
    },
    "calls without tools": {"messages": [*USER, CALLED, {"role": "user", "content": [RESULT]}]},
    "system amid": {"messages": [*USER, {"role": "system", "content": "Be brief."}]},
    "picture of an assistant": {
        "messages": [*USER, {"role": "assistant", "content": [{"type": "image", "source": PICTURE}]}, *USER]
    },
    "picture of a kind": {
        "messages": [
            {"role": "user", "content": [{"type": "image", "source": {**PICTURE, "media_type": "image/bmp"}}]}
        ]
    },
    "hot": {"extra_body": {"temperature": 1.5}},
    "blank stop": {"stop_sequences": ["\n"]},
    "choice without tools": {"tool_choice": {"type": "any"}},
    "choice of another tool": {"tools": [CITY], "tool_choice": {"type": "tool", "name": "other"}},
    "open schema": {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
    "small budget": {"thinking": {"type": "enabled", "budget_tokens": 100}},
    "large budget": {"thinking": {"type": "enabled", "budget_tokens": 4000}},
    "cool thoughts": {
        "thinking": {"type": "adaptive"},
        "extra_body": {"temperature": 0.5},
    },
    "forced thoughts": {
        "thinking": {"type": "adaptive"},
        "tools": [CITY],
        "tool_choice": {"type": "any"},
    },
    "lost thoughts": {
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tools": [CITY],
        "messages": [*USER, CALLED, {"role": "user", "content": [RESULT]}],
    },
    "adaptive where it has budgets only": {"model": HAIKU, "thinking": {"type": "adaptive"}},
    "budget where it is adaptive only": {
        "model": MODELS[0],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    },
    "temperature where there is none": {"model": MODELS[0], "extra_body": {"temperature": 1}},
    "temperature in the new version": {
        "extra_headers": {"anthropic-version": "2026-10-21"},
        "extra_body": {"temperature": 1},
    },
    "no such version": {"extra_headers": {"anthropic-version": "2020-01-01"}},
    "wrong mark": {"cache_control": {"type": "forever"}},
}


@pytest.mark.parametrize("name", WRONG)
def test_refuses_what_anthropic_refuses(client: anthropic.Anthropic, name: str) -> None:
    with pytest.raises((anthropic.BadRequestError, anthropic.NotFoundError)):
        ask(client, **WRONG[name])


def test_takes_messages_of_the_role_system_where_its_model_does(client: anthropic.Anthropic) -> None:
    assert ask(client, model=MODELS[0], messages=[*USER, {"role": "system", "content": "Be brief."}]).content

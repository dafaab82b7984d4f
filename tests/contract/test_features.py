"""What chat clients are used to, at both base URLs, whole and streamed: both must add up to the same."""

import json
from collections.abc import Callable
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel

from adding_up import completion_of
from chat_bodies import chat_body, city_tool
from mock_completions import FINGERPRINT, REASONING, TEXT, tokens_of
from mock_provider import Case
from openai_schemas import check_chunk, check_completion
from sdk_clients import Traffic, sync_client

Ask = Callable[..., dict[str, Any]]
"""Sends a chat with the given members; the first choice of the reply, or of what its chunks add up to."""


@pytest.fixture(params=["whole", "streamed"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "streamed")


@pytest.fixture
def reply_to(base_url: str, key: str, traffic: Traffic, case: Case, stream: bool) -> Ask:
    """Like ``ask``, with all of the completion."""

    def asked(**members: Any) -> dict[str, Any]:
        options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        with sync_client(base_url, key, traffic) as client:
            reply = client.chat.completions.create(**chat_body(case, **members, **options))
            if not isinstance(reply, openai.Stream):
                check_completion(traffic.last.json())
                return dict(reply.to_dict())
            chunks = [chunk.to_dict() for chunk in reply]
        for chunk in chunks:
            check_chunk(chunk)
        *others, last = chunks
        assert last["choices"] == []
        assert last["usage"]["total_tokens"] > 0
        assert all(other["usage"] is None for other in others)
        whole = completion_of(chunks)
        check_completion(whole)
        return whole

    return asked


@pytest.fixture
def ask(reply_to: Ask) -> Ask:
    def asked(**members: Any) -> dict[str, Any]:
        (choice,) = reply_to(**members)["choices"]
        return dict(choice)

    return asked


VISION = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
    {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
]


def test_vision(ask: Ask, case: Case) -> None:
    messages = [{"role": "user", "content": VISION}]
    assert ask(messages=messages)["message"]["content"] == TEXT
    assert case.arrived().json["messages"] == messages


def test_a_developer(ask: Ask, case: Case) -> None:
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    assert ask(messages=messages)["message"]["content"] == TEXT
    assert case.arrived().json["messages"] == messages


@pytest.mark.parametrize("stop", ["none", ["none", "Done"]])
def test_stop(ask: Ask, stop: str | list[str]) -> None:
    choice = ask(stop=stop)
    assert choice["message"]["content"] == TEXT.partition("none")[0]
    assert choice["finish_reason"] == "stop"


def test_seed(reply_to: Ask, case: Case) -> None:
    assert reply_to(seed=42)["system_fingerprint"] == FINGERPRINT
    assert case.arrived().json["seed"] == 42


@pytest.mark.parametrize("top", [0, 2])
def test_logprobs(ask: Ask, top: int) -> None:
    entries = ask(logprobs=True, top_logprobs=top)["logprobs"]["content"]
    assert [entry["token"] for entry in entries] == list(tokens_of(TEXT))
    assert all(bytes(entry["bytes"]).decode() == entry["token"] for entry in entries)
    assert {len(entry["top_logprobs"]) for entry in entries} == {top}


def test_several_choices(reply_to: Ask) -> None:
    reply = reply_to(n=3, logprobs=True)
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2]
    for choice in reply["choices"]:
        assert choice["message"]["content"] == TEXT
        assert "".join(entry["token"] for entry in choice["logprobs"]["content"]) == TEXT
        assert choice["finish_reason"] == "stop"
    assert reply["usage"]["completion_tokens"] == 3 * len(tokens_of(TEXT))


def test_a_reasoning_model_over_several_turns(reply_to: Ask, case: Case) -> None:
    """What it thought goes back to it as the client got it."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]
    reply = reply_to(model="deepseek-reasoner", messages=messages)
    (choice,) = reply["choices"]
    said = choice["message"]
    assert (said["reasoning_content"], said["content"]) == (REASONING, TEXT)
    assert reply["usage"]["completion_tokens_details"]["reasoning_tokens"] == len(tokens_of(REASONING))
    turn = {name: said[name] for name in ("role", "content", "reasoning_content")}
    messages += [turn, {"role": "user", "content": "Why?"}]
    again = reply_to(model="deepseek-reasoner", messages=messages)
    assert again["choices"][0]["message"]["content"] == TEXT
    assert case.arrived(2).json["messages"] == messages


def test_tools_there_and_back(ask: Ask, case: Case) -> None:
    """Two calls at once, their results in the next turn."""
    tools = [city_tool("weather"), city_tool("traffic")]
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]
    choice = ask(messages=messages, tools=tools, tool_choice="auto", parallel_tool_calls=True)
    calls = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert [(call["type"], call["function"]["name"]) for call in calls] == [
        ("function", "weather"),
        ("function", "traffic"),
    ]
    assert [json.loads(call["function"]["arguments"]) for call in calls] == [
        {"city": "Zürich", "days": 3}
    ] * 2
    assert len({call["id"] for call in calls}) == 2
    messages.append({"role": "assistant", "content": None, "tool_calls": calls})
    messages += [
        {"role": "tool", "tool_call_id": call["id"], "content": f"{call['function']['name']}: fine"}
        for call in calls
    ]
    final = ask(messages=messages, tools=tools)
    assert final["message"]["content"] == "The tool says traffic: fine"
    assert final["finish_reason"] == "stop"
    assert case.arrived(2).json["messages"] == messages


class Step(BaseModel):
    """A part of a structured reply."""

    explanation: str
    kind: Literal["first", "second"]


class Solution(BaseModel):
    """What a structured reply is parsed into."""

    steps: list[Step]
    answer: str
    sure: bool


def test_a_strict_schema(ask: Ask, case: Case) -> None:
    schema = Solution.model_json_schema() | {"additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "solution", "schema": schema, "strict": True}}
    content = ask(response_format=form)["message"]["content"]
    assert Solution.model_validate_json(content) == Solution(steps=[], answer="x", sure=True)
    assert case.arrived().json["response_format"] == form


def test_a_model_is_parsed(base_url: str, key: str, traffic: Traffic, case: Case, stream: bool) -> None:
    """By the helpers of the client, whole and event by event."""
    body = chat_body(case)
    with sync_client(base_url, key, traffic) as client:
        if stream:
            with client.chat.completions.stream(**body, response_format=Solution) as events:
                for event in events:
                    if event.type == "chunk":
                        check_chunk(event.chunk.to_dict())
                reply = events.get_final_completion()
        else:
            reply = client.chat.completions.parse(**body, response_format=Solution)
            check_completion(traffic.last.json())
    assert reply.choices[0].message.parsed == Solution(steps=[], answer="x", sure=True)
    assert case.arrived().json["response_format"]["json_schema"]["strict"] is True

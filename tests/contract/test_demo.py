"""The built-in demo model through the official client: good enough to write an application against."""

import json
from typing import Literal

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel, Field

from adding_up import completion_of, digest
from chat_bodies import city_tool
from event_stream import chunks_of
from openai_schemas import check_chunk, check_completion
from sdk_clients import Traffic

DEMO = "demo"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Tell me about Zürich, please"}]


def test_whole(client: openai.OpenAI, traffic: Traffic) -> None:
    reply = client.chat.completions.create(model=DEMO, messages=HELLO)
    check_completion(traffic.last.json())
    assert "demo" in (reply.choices[0].message.content or "").lower(), "it says what it is"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == DEMO
    assert reply.usage is not None
    assert reply.usage.prompt_tokens > 0
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_streamed_word_by_word_and_the_same(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=DEMO, messages=HELLO)
    chunks = list(
        client.chat.completions.create(
            model=DEMO, messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    for chunk in chunks:
        check_chunk(chunk.to_dict())
    words = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(words) == whole.choices[0].message.content
    assert len([word for word in words if word]) > 5
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage == whole.usage


def test_usage_follows_the_length(client: openai.OpenAI) -> None:
    long: list[ChatCompletionMessageParam] = [{"role": "user", "content": "word " * 200}]
    short_usage = client.chat.completions.create(model=DEMO, messages=HELLO).usage
    long_usage = client.chat.completions.create(model=DEMO, messages=long).usage
    assert short_usage is not None
    assert long_usage is not None
    assert long_usage.prompt_tokens > short_usage.prompt_tokens + 150


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_a_limit(client: openai.OpenAI, limit: str) -> None:
    reply = client.chat.completions.create(model=DEMO, messages=HELLO, extra_body={limit: 3})
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 3


def test_several_choices_and_stop(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model=DEMO, messages=HELLO, n=2, stop=["Zürich"])
    assert [choice.index for choice in reply.choices] == [0, 1]
    assert "Zürich" not in (reply.choices[0].message.content or "")
    assert {choice.finish_reason for choice in reply.choices} == {"stop"}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("messages", "choice"),
    [
        (HELLO, {"type": "function", "function": {"name": "weather"}}),
        (HELLO, "required"),
        ([{"role": "user", "content": "Please call the weather tool."}], "auto"),
    ],
)
def test_calls_a_tool_when_told_to(
    http: httpx.Client, stream: bool, messages: list[dict[str, str]], choice: str | dict[str, object]
) -> None:
    body = {
        "model": DEMO,
        "messages": messages,
        "tools": [city_tool("weather"), city_tool("traffic")],
        "tool_choice": choice,
    }
    reply = http.post("/v1/chat/completions", json=body | ({"stream": True} if stream else {}))
    assert reply.status_code == 200, reply.text
    whole = completion_of(chunks_of(reply.content)) if stream else reply.json()
    check_completion(whole)
    (call,) = whole["choices"][0]["message"]["tool_calls"]
    assert call["id"]
    assert call["function"]["name"] == "weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Zürich", "days": 3}
    assert whole["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_calls_no_tool_otherwise(client: openai.OpenAI, choice: Literal["auto", "none"]) -> None:
    reply = client.chat.completions.create(
        model=DEMO, messages=HELLO, tools=[city_tool("weather")], tool_choice=choice
    )
    assert reply.choices[0].message.tool_calls is None
    assert reply.choices[0].message.content


def test_a_tools_answer(client: openai.OpenAI) -> None:
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Call the weather tool"}]
    first = client.chat.completions.create(model=DEMO, messages=asked, tools=[city_tool("weather")])
    calls = first.choices[0].message.tool_calls or []
    call = calls[0]
    assert call.type == "function"
    turn: ChatCompletionMessageParam = {
        "role": "assistant",
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
        ],
    }
    result: ChatCompletionMessageParam = {"role": "tool", "tool_call_id": call.id, "content": "23 degrees"}
    final = client.chat.completions.create(
        model=DEMO, messages=[*asked, turn, result], tools=[city_tool("weather")]
    )
    assert "23 degrees" in (final.choices[0].message.content or "")
    assert final.choices[0].finish_reason == "stop"


class Leg(BaseModel):
    place: str = Field(min_length=2)
    nights: int = Field(ge=1, le=30)


class Journey(BaseModel):
    title: str
    kind: Literal["train", "plane"]
    legs: list[Leg] = Field(min_length=2)
    price: float | None
    first: Leg


def test_a_structured_reply(client: openai.OpenAI) -> None:
    reply = client.chat.completions.parse(model=DEMO, messages=HELLO, response_format=Journey)
    journey = reply.choices[0].message.parsed
    assert isinstance(journey, Journey)
    assert len(journey.legs) == 2


def test_a_structured_stream(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=DEMO, messages=HELLO, response_format=Journey) as stream:
        reply = stream.get_final_completion()
    assert isinstance(reply.choices[0].message.parsed, Journey)


def test_json_mode(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model=DEMO, messages=HELLO, response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(reply.choices[0].message.content or ""), dict)


def test_vision_parts_are_taken(client: openai.OpenAI) -> None:
    picture: list[ChatCompletionMessageParam] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            ],
        }
    ]
    assert client.chat.completions.create(model=DEMO, messages=picture).choices[0].message.content


def test_hashes(http: httpx.Client) -> None:
    body = {"model": DEMO, "messages": HELLO, "stream": True}
    chunks = chunks_of(http.post("/v1/chat/completions", json=body).content)
    assert chunks[-1]["requestHash"] == digest(body)
    assert chunks[-1]["responseHash"] == digest(completion_of(chunks))


def test_under_api(http: httpx.Client) -> None:
    reply = http.post("/api/v1/chat", json={"model": DEMO, "messages": HELLO})
    check_completion(reply.json())


HOSTILE = {
    "a very long string": {"type": "string", "minLength": 10**12},
    "very many elements": {"type": "array", "items": {"type": "string"}, "minItems": 10**9},
    "endless recursion": {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}, "minItems": 1}},
    },
    "a loop of references": {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
    },
    "exponential growth": {
        "$ref": "#/$defs/a0",
        "$defs": {
            f"a{level}": {"type": "array", "items": {"$ref": f"#/$defs/a{level + 1}"}, "minItems": 10}
            for level in range(30)
        }
        | {"a30": {"type": "string"}},
    },
    "a large constant many times": {"type": "array", "items": {"const": "a" * 100_000}, "minItems": 10_000},
    "endless combination": {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}},
    "exponential combination": {
        "$ref": "#/$defs/a0",
        "$defs": {f"a{level}": {"allOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(40)}
        | {"a40": {"type": "string"}},
    },
    "exponential search": {
        "$ref": "#/$defs/a0",
        "$defs": {f"a{level}": {"anyOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(40)}
        | {"a40": False},
    },
    "a step too small": {"type": "number", "minimum": 1e308, "multipleOf": 1e-300},
    "no type at all": {"type": []},
    "an enum that is none": {"enum": {"a": 1}},
    "a slow pattern": {"type": "string", "pattern": "^(a+)+$", "minLength": 40},
    "an unresolvable reference": {"$ref": "https://example.com/schema.json"},
    "nothing": False,
    "a contradiction": {"type": "string", "enum": [1, 2]},
    "nonsense": {"type": "hammer", "properties": 5, "required": "all"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_no_hang(http: httpx.Client, name: str) -> None:
    body = {
        "model": DEMO,
        "messages": HELLO,
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": HOSTILE[name]}},
    }
    reply = http.post("/v1/chat/completions", json=body)
    assert reply.status_code < 500, reply.text
    assert reply.elapsed.total_seconds() < 2

"""Tool calls and structured output through the gateway, whole and streamed alike."""

import json
from typing import Literal

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam
from pydantic import BaseModel

from chat_bodies import MESSAGES, MODEL, city_tool
from mock_provider import Case
from openai_schemas import check_chunk, check_completion
from sdk_clients import Traffic

TOOLS = [city_tool("weather"), city_tool("traffic")]


def calls_of(reply: ChatCompletion) -> list[tuple[str, str, dict[str, object]]]:
    calls = reply.choices[0].message.tool_calls or []
    return [
        (call.id, call.function.name, json.loads(call.function.arguments))
        for call in calls
        if call.type == "function"
    ]


def whole(client: openai.OpenAI, case: Case, traffic: Traffic) -> ChatCompletion:
    reply = client.chat.completions.create(model=MODEL, messages=MESSAGES, tools=TOOLS, user=case.user)
    check_completion(traffic.last.json())
    return reply


def streamed(client: openai.OpenAI, case: Case, traffic: Traffic) -> ChatCompletion:
    with client.chat.completions.stream(
        model=MODEL, messages=MESSAGES, tools=TOOLS, user=case.user
    ) as stream:
        for event in stream:
            if event.type == "chunk":
                check_chunk(event.chunk.to_dict())
        return stream.get_final_completion()


@pytest.mark.parametrize("ask", [whole, streamed])
def test_a_round_trip_with_parallel_calls(
    client: openai.OpenAI, case: Case, traffic: Traffic, ask: object
) -> None:
    reply = whole(client, case, traffic) if ask is whole else streamed(client, case, traffic)
    calls = calls_of(reply)
    assert [(name, arguments) for _, name, arguments in calls] == [
        ("weather", {"city": "Zürich", "days": 3}),
        ("traffic", {"city": "Zürich", "days": 3}),
    ]
    assert reply.choices[0].finish_reason == "tool_calls"
    assert reply.choices[0].message.content is None

    turn: ChatCompletionMessageParam = {
        "role": "assistant",
        "tool_calls": [
            {
                "id": identity,
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for identity, name, arguments in calls
        ],
    }
    results: list[ChatCompletionMessageParam] = [
        {"role": "tool", "tool_call_id": identity, "content": f"{name}: fine"} for identity, name, _ in calls
    ]
    final = client.chat.completions.create(
        model=MODEL, messages=[*MESSAGES, turn, *results], tools=TOOLS, user=case.user
    )
    assert final.choices[0].message.content == "The tool says traffic: fine"
    assert case.arrived(2).json["messages"] == [*MESSAGES, turn, *results]


def test_streamed_pieces_carry_their_index(client: openai.OpenAI, case: Case) -> None:
    stream = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, tools=TOOLS, user=case.user, stream=True
    )
    pieces = [
        piece for chunk in stream for choice in chunk.choices for piece in choice.delta.tool_calls or []
    ]
    openings = [piece for piece in pieces if piece.id]
    assert [piece.index for piece in openings] == [0, 1]
    assert [piece.function and piece.function.name for piece in openings] == ["weather", "traffic"]
    assert len(pieces) > len(openings) + 4, "the arguments come in pieces"


def test_a_named_tool(client: openai.OpenAI, case: Case) -> None:
    reply = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,
        tools=TOOLS,
        tool_choice={"type": "function", "function": {"name": "traffic"}},
        user=case.user,
    )
    assert [name for _, name, _ in calls_of(reply)] == ["traffic"]


class Step(BaseModel):
    explanation: str
    kind: Literal["first", "second"]


class Solution(BaseModel):
    steps: list[Step]
    answer: str
    sure: bool


def test_a_structured_reply(client: openai.OpenAI, case: Case, traffic: Traffic) -> None:
    reply = client.chat.completions.parse(
        model=MODEL, messages=MESSAGES, response_format=Solution, user=case.user
    )
    check_completion(traffic.last.json())
    assert reply.choices[0].message.parsed == Solution(steps=[], answer="x", sure=True)
    asked = case.arrived().json["response_format"]
    assert asked["type"] == "json_schema"
    assert asked["json_schema"]["strict"] is True
    assert asked["json_schema"]["schema"]["additionalProperties"] is False


def test_a_structured_stream(client: openai.OpenAI, case: Case) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=MESSAGES, response_format=Solution, user=case.user
    ) as stream:
        for _ in stream:
            pass
        reply = stream.get_final_completion()
    assert reply.choices[0].message.parsed == Solution(steps=[], answer="x", sure=True)


def test_json_mode(client: openai.OpenAI, case: Case) -> None:
    reply = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, response_format={"type": "json_object"}, user=case.user
    )
    assert json.loads(reply.choices[0].message.content or "") == {"answer": "yes"}

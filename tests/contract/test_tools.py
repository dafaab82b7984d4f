"""What is particular to tools and JSON; what all clients are used to stands in test_features."""

import json

import openai

from chat_bodies import MESSAGES, MODEL, city_tool
from mock_provider import Case

TOOLS = [city_tool("weather"), city_tool("traffic")]


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
    assert [
        call.function.name for call in reply.choices[0].message.tool_calls or [] if call.type == "function"
    ] == ["traffic"]


def test_json_mode(client: openai.OpenAI, case: Case) -> None:
    reply = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, response_format={"type": "json_object"}, user=case.user
    )
    assert json.loads(reply.choices[0].message.content or "") == {"answer": "yes"}

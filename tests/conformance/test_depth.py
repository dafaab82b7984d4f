"""Nesting as deep as a body may have, wherever it may be: it is carried or refused, and nothing overflows.

The parser takes 200 levels, and what a gateway wraps around them must not be more than a provider's body or a reply may
have when they are written.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chat_operations import chat_of
from mock_turns import Call, Turn
from participant import Participant
from participants import PARTICIPANTS
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.hashing import canonical_digest
from sluice.api.validation import parse_object, validate
from sluice.errors import InvalidRequestError, SluiceError, UpstreamError

FORMATS = {
    name: each
    for name, each in PARTICIPANTS.items()
    if each.kind in {"openai", "mistral", "anthropic", "gemini", "bedrock", "demo"}
}
"""The other hosts' requests and replies go through the same code as OpenAI's."""
every_participant = pytest.mark.parametrize("participant", FORMATS.values(), ids=FORMATS)

DEEP = "\0deep\0"
"""Stands for what is nested."""
USER = {"role": "user", "content": "Hello"}


def tool(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "look", "parameters": parameters}}


def called(arguments: str) -> list[dict[str, Any]]:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": arguments}}
    return [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
        USER,
    ]


PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "a schema of a tool": lambda deep: {"tools": [tool({"type": "object", "properties": {"a": deep}})]},
    "a schema of the answer": lambda deep: {
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": deep}}
    },
    "metadata": lambda deep: {"metadata": {"a": deep}},
    "a member that is not known": lambda deep: {"extra": deep},
    "a member of a message": lambda deep: {"messages": [USER | {"extra": deep}]},
    "the content": lambda deep: {"messages": [{"role": "user", "content": [deep]}]},
    "logit_bias": lambda deep: {"logit_bias": deep},
}


def schema(levels: int) -> str:
    """A JSON Schema of objects within objects, two levels of JSON each."""
    opening = '{"type":"object","properties":{"a":'
    return opening * (levels // 2) + '{"type":"string"}' + "}}" * (levels // 2)


SHAPES: dict[str, Callable[[int], str]] = {
    "arrays": lambda levels: "[" * levels + "]" * levels,
    "objects": lambda levels: '{"a":' * levels + "1" + "}" * levels,
    "schemas": schema,
}


def body(members: dict[str, Any], nested: str) -> bytes:
    """A request's body, with what is nested where it stands for it."""
    whole = {"model": "m", "messages": [USER]} | members
    return json.dumps(whole).replace(json.dumps(DEEP), nested).encode()


def translated(participant: Participant, content: bytes) -> None:
    """What becomes of a body on its way to a provider: all that is done to it."""
    raw = parse_object(content)
    canonical_digest(raw)
    request = validate(ChatCompletionRequest, raw)
    chat_of(participant.provider).upstream_request(participant.call(request))


@every_participant
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_request(participant: Participant, place: str, shape: str) -> None:
    carried = 0
    for levels in (2, 8, 14, 150, *range(186, 203, 2)):
        try:
            translated(participant, body(PLACES[place](DEEP), SHAPES[shape](levels)))
            carried += 1
        except SluiceError as error:
            assert error.status == 400, (levels, error)
    assert carried or place != "a schema of a tool"


@every_participant
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("levels", [2, 150, 196, 198, 200, 100_000])
def test_the_arguments_of_a_call(participant: Participant, shape: str, levels: int) -> None:
    """They are JSON within JSON, so nothing has looked at them yet."""
    arguments = '{"a":' + SHAPES[shape](levels) + "}"
    try:
        translated(participant, body({"messages": called(arguments), "tools": [tool({})]}, ""))
    except InvalidRequestError:
        assert levels > 100


TURN = Turn(text=("Hello",), calls=(Call("look", ('{"a": 1}',), "call_1"),), end="tool_calls")


@every_participant
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("levels", [2, 190, 198, 100_000])
def test_a_reply(participant: Participant, shape: str, levels: int) -> None:
    """A provider's nesting, in each of its objects in turn, is carried, or it is the provider's fault."""
    request = validate(ChatCompletionRequest, {"model": "m", "messages": [USER], "tools": [tool({})]})
    whole = participant.whole_bytes(TURN)
    for at, byte in enumerate(whole):
        if byte == ord("{") and whole[at - 1 : at] != b'"':
            nested = b'{"extra": %s, ' % SHAPES[shape](levels).encode()
            data = (whole[:at] + nested + whole[at + 1 :]).replace(b", }", b"}")
            try:
                reply = chat_of(participant.provider).whole_reply(data, participant.call(request))
            except UpstreamError:
                assert levels > 100
            else:
                canonical_digest(reply.model_dump(mode="json"))
                assert reply.model_dump_json()

"""Who wants one call at most gets the first, whole and streamed, and pays for what was written."""

import json

import pytest

from chat_operations import chat_of
from made_turns import TURNS
from mock_turns import Call, Turn
from participant import Participant
from participants import PARTICIPANTS
from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletion
from sluice.api.chat_request import ChatCompletionRequest

UNTOLD = ("bedrock", "deepseek", "gemini", "ollama", "together")
"""Providers that have no word for it."""

SEVERAL = TURNS["everything"]


def asked(*, parallel: bool | None) -> ChatCompletionRequest:
    return ChatCompletionRequest.model_validate(
        {
            "model": "m",
            "messages": [{"role": "user", "content": "Well?"}],
            "tools": [{"type": "function", "function": {"name": "get_weather"}}],
            "parallel_tool_calls": parallel,
        }
    )


def replies(participant: Participant, turn: Turn, request: ChatCompletionRequest) -> list[ChatCompletion]:
    """The whole reply, and what the chunks of the stream add up to."""
    reading = participant.reading(request)
    for piece in participant.stream_bytes(turn):
        reading.feed(piece)
    assert reading.end()
    assert all(chunk.choices or chunk.usage for chunk in reading.chunks)
    accumulator = ChatAccumulator()
    for chunk in reading.chunks:
        accumulator.add(chunk)
    return [participant.whole_reply(turn, request), accumulator.whole()]


@pytest.fixture(params=UNTOLD)
def participant(request: pytest.FixtureRequest) -> Participant:
    """Each of them."""
    return PARTICIPANTS[request.param]


def test_the_first_call_alone(participant: Participant) -> None:
    assert (
        b"parallel_tool_calls"
        not in chat_of(participant.provider).upstream_request(participant.call(asked(parallel=False))).body
    )
    for one, all_calls in zip(
        replies(participant, SEVERAL, asked(parallel=False)),
        replies(participant, SEVERAL, asked(parallel=None)),
        strict=True,
    ):
        expected = all_calls.model_dump(mode="json")
        del expected["choices"][0]["message"]["tool_calls"][1:]
        assert one.model_dump(mode="json") == expected
        assert json.loads(expected["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])


def test_a_call_that_is_the_only_one_stays(participant: Participant) -> None:
    turn = Turn(calls=(Call("get_weather", ('{"a"', ":1}"), id="call_1"),), end="tool_calls")
    for reply in replies(participant, turn, asked(parallel=False)):
        assert len(reply.choices[0].message.tool_calls or ()) == 1


def test_without_calls_nothing_changes(participant: Participant) -> None:
    turn = TURNS["several pieces"]
    assert replies(participant, turn, asked(parallel=False)) == replies(
        participant, turn, asked(parallel=True)
    )


def test_a_provider_that_is_told_is_left_to_keep_to_it() -> None:
    for reply in replies(PARTICIPANTS["anthropic"], SEVERAL, asked(parallel=False)):
        assert len(reply.choices[0].message.tool_calls or ()) == len(SEVERAL.calls)

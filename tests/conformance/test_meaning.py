"""The same answer from every provider: equal meaning, whole and streamed, and the same cost."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from made_turns import TURNS, turns
from meanings import meaning_of, meaning_of_turn
from mock_turns import Turn
from participant import Participant
from participants import PARTICIPANTS
from sluice.accounting.costs import rates_of
from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletion
from sluice.api.chat_request import ChatCompletionRequest
from sluice.catalog import Price
from sluice.providers.registry import PROVIDERS

every_participant = pytest.mark.parametrize("participant", PARTICIPANTS.values(), ids=PARTICIPANTS)

RATES = rates_of(
    Price(
        input=Decimal("1.1"),
        cached_input=Decimal("0.17"),
        cache_write=Decimal("1.9"),
        output=Decimal("7.3"),
        reasoning=Decimal("7.3"),
    )
)
"""So that no two kinds of token cost the same, but reasoning, which not every provider counts apart."""

ASKED = ChatCompletionRequest.model_validate(
    {
        "model": "asked-for",
        "messages": [{"role": "user", "content": "Well?"}],
        "tools": [
            {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
            for name in ("get_weather", "get-traffic_v2", "nested")
        ],
    }
)
STREAMED = ASKED.model_copy(update={"stream": True})


def streamed(participant: Participant, turn: Turn) -> ChatCompletion:
    """The reply that a stream's chunks add up to."""
    reading = participant.reading(STREAMED)
    for piece in participant.stream_bytes(turn):
        reading.feed(piece)
    assert reading.end()
    accumulator = ChatAccumulator()
    for chunk in reading.chunks:
        accumulator.add(chunk)
    return accumulator.whole()


def members(reply: ChatCompletion) -> dict[str, Any]:
    """A reply's members; white space in arguments does not count."""
    found = reply.model_dump(mode="json")
    for choice in found["choices"]:
        for call in choice["message"].get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return found


def check(participant: Participant, turn: Turn) -> None:
    assert RATES is not None
    whole, added_up = participant.whole_reply(turn, ASKED), streamed(participant, turn)
    assert members(added_up) == members(whole)
    assert meaning_of(whole, RATES) == meaning_of_turn(turn, participant.unsaid, RATES)
    assert whole.model == "asked-for"
    ids = [call.id for call in whole.choices[0].message.tool_calls or ()]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def test_every_provider_that_chats_takes_part() -> None:
    chatting = {kind for kind, provider in PROVIDERS.items() if provider.chat is not None}
    assert {participant.kind for participant in PARTICIPANTS.values()} == chatting
    assert chatting == PROVIDERS.keys() - {"declared"}


@every_participant
@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_an_answer_means_the_same_from_every_provider(participant: Participant, turn: Turn) -> None:
    check(participant, turn)


@every_participant
@given(turn=turns())
def test_any_answer_means_the_same_from_every_provider(participant: Participant, turn: Turn) -> None:
    check(participant, turn)


@every_participant
def test_text_is_passed_on_piece_by_piece(participant: Participant) -> None:
    """Each event gives its chunk at once, none waits for the next."""
    turn = TURNS["several pieces"]
    reading = participant.reading(STREAMED)
    said: list[str] = []
    for piece in participant.stream_bytes(turn):
        before = len(reading.chunks)
        reading.feed(piece)
        texts = [
            choice.delta.content
            for chunk in reading.chunks[before:]
            for choice in chunk.choices
            if choice.delta.content
        ]
        said += ["".join(texts)] if texts else []
    assert said == list(turn.text)

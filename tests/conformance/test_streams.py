"""Every provider's stream, from bytes to chunks: however it is split, wherever it ends, whatever is wrong in it."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_operations import chat_of
from made_turns import TURNS, turns
from mock_turns import Turn
from mutations import corrupted, mutated
from participant import Participant, Reading
from participants import PARTICIPANTS
from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import SluiceError
from sluice.pipeline.chunks import ChunkRenderer
from sluice.pipeline.hashes import hashed
from sluice.wire.events import FramingError

ASKED = ChatCompletionRequest.model_validate(
    {
        "model": "m",
        "messages": [{"role": "user", "content": "Well?"}],
        "tools": [{"type": "function", "function": {"name": "get_weather"}}],
        "stream": True,
    }
)
SHORT = ("several pieces", "one call", "reasoning", "filtered at once")

every_participant = pytest.mark.parametrize("participant", PARTICIPANTS.values(), ids=PARTICIPANTS)
every_short_turn = pytest.mark.parametrize("turn", [TURNS[name] for name in SHORT], ids=SHORT)
for_each_of_many = settings(max_examples=40)
"""Of these there are as many for every participant."""


def read(participant: Participant, pieces: Sequence[bytes]) -> tuple[list[ChatCompletionChunk], bool]:
    """The chunks of a stream that comes in these pieces, and whether it has said all."""
    reading = participant.reading(ASKED)
    for piece in pieces:
        reading.feed(piece)
    complete = reading.end()
    return reading.chunks, complete


def bytes_of(participant: Participant, turn: Turn) -> bytes:
    return b"".join(participant.stream_bytes(turn))


def only_named_errors() -> contextlib.suppress:
    """What a provider's fault may raise; anything else is ours."""
    return contextlib.suppress(SluiceError, FramingError)


@every_participant
@every_short_turn
def test_a_split_anywhere_changes_nothing(participant: Participant, turn: Turn) -> None:
    data = bytes_of(participant, turn)
    expected = read(participant, [data])
    assert expected[1]
    for at in range(1, len(data)):
        assert read(participant, [data[:at], data[at:]]) == expected, at


@every_participant
@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_single_bytes_change_nothing(participant: Participant, turn: Turn) -> None:
    data = bytes_of(participant, turn)
    assert read(participant, [data[at : at + 1] for at in range(len(data))]) == read(participant, [data])


@every_participant
@for_each_of_many
@given(turn=turns(), choose=st.data())
def test_random_splits_change_nothing(participant: Participant, turn: Turn, choose: st.DataObject) -> None:
    data = bytes_of(participant, turn)
    cuts = sorted(choose.draw(st.sets(st.integers(0, len(data)), max_size=30)))
    pieces = [data[start:end] for start, end in pairwise([0, *cuts, len(data)])]
    assert read(participant, pieces) == read(participant, [data])


def said(chunks: Sequence[ChatCompletionChunk], *, counts: bool) -> object:
    """What chunks add up to, with or without their usage."""
    accumulator = ChatAccumulator()
    for chunk in chunks:
        accumulator.add(chunk)
    return accumulator.whole().model_dump(exclude=None if counts else {"usage"})


@every_participant
@every_short_turn
def test_a_stream_that_is_cut_is_complete_only_if_nothing_is_lost(
    participant: Participant, turn: Turn
) -> None:
    data = bytes_of(participant, turn)
    whole, _ = read(participant, [data])
    counts = not participant.ends_before_usage
    for length in range(len(data)):
        with only_named_errors():
            chunks, complete = read(participant, [data[:length]])
            assert not complete or said(chunks, counts=counts) == said(whole, counts=counts), length


@every_participant
def test_a_stream_without_its_last_event_that_counts_is_not_complete(participant: Participant) -> None:
    """The same by events: those before the end, in any number, are not enough."""
    turn = TURNS["everything"]
    events = participant.stream_bytes(turn)
    endings = [number for number in range(len(events)) if read(participant, events[:number])[1]]
    assert all(number >= len(events) - 2 for number in endings), (endings, len(events))
    assert not endings or participant.ends_before_usage


def rendered(chunks: Sequence[ChatCompletionChunk]) -> Iterator[bytes]:
    """What a client gets of chunks."""
    renderer = ChunkRenderer(ChatAccumulator(), request_hash="0" * 64, include_usage=True)
    for chunk in chunks:
        yield from renderer.feed(chunk)
    yield from renderer.end()


def check_stream(reading: Reading, feed: Callable[[], None]) -> None:
    """Feed it, and write what comes of it for a client: a fault is a named error, or does no harm."""
    with only_named_errors():
        feed()
        if reading.end():
            assert b"".join(rendered(reading.chunks))


@every_participant
@for_each_of_many
@given(turn=turns(), choose=st.data())
def test_corrupted_bytes_are_a_named_error_or_do_no_harm(
    participant: Participant, turn: Turn, choose: st.DataObject
) -> None:
    data = choose.draw(corrupted(bytes_of(participant, turn)))
    reading = participant.reading(ASKED)
    check_stream(reading, lambda: reading.feed(data))


@every_participant
@for_each_of_many
@given(turn=turns(), choose=st.data())
def test_a_value_gone_wrong_in_an_event_is_a_named_error_or_does_no_harm(
    participant: Participant, turn: Turn, choose: st.DataObject
) -> None:
    events = participant.wire_events(turn)
    at = choose.draw(st.integers(0, len(events) - 1))
    events[at] = type(events[at])(choose.draw(mutated(events[at].data)), events[at].name)
    reading = participant.reading(ASKED)
    check_stream(reading, lambda: reading.take(events))


@every_participant
@for_each_of_many
@given(turn=turns(), choose=st.data())
def test_events_that_are_lost_repeated_or_out_of_order_are_a_named_error_or_do_no_harm(
    participant: Participant, turn: Turn, choose: st.DataObject
) -> None:
    events = participant.wire_events(turn)
    order = choose.draw(st.lists(st.integers(0, len(events) - 1), max_size=2 * len(events)))
    reading = participant.reading(ASKED)
    check_stream(reading, lambda: reading.take([events[number] for number in order]))


def check_whole(participant: Participant, body: bytes) -> None:
    """Read a whole reply, and write what comes of it for a client."""
    with only_named_errors():
        reply = chat_of(participant.provider).whole_reply(body, participant.call(ASKED))
        assert asyncio.run(hashed(reply.model_dump(mode="json"), "0" * 64))


@every_participant
def test_a_whole_reply_that_is_cut_is_a_named_error(participant: Participant) -> None:
    body = participant.whole_bytes(TURNS["everything"])
    for length in range(len(body.rstrip())):
        with pytest.raises(SluiceError):
            chat_of(participant.provider).whole_reply(body[:length], participant.call(ASKED))


@every_participant
@for_each_of_many
@given(turn=turns(), choose=st.data())
def test_a_whole_reply_with_a_fault_is_a_named_error_or_does_no_harm(
    participant: Participant, turn: Turn, choose: st.DataObject
) -> None:
    body = participant.whole_bytes(turn)
    check_whole(participant, choose.draw(corrupted(body) | mutated(body)))


@every_participant
@given(
    status=st.sampled_from((400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529)),
    body=st.binary(max_size=40)
    | st.sampled_from((b"null", b"[]", b"{}", b'{"error":[]}', b'{"error":{"code":{}}}')),
    delay=st.text(st.characters(codec="latin-1"), max_size=8) | st.integers().map(str),
)
def test_a_failure_of_any_words_is_a_named_error(
    participant: Participant, status: int, body: bytes, delay: str
) -> None:
    headers = {"retry-after": delay, "retry-after-ms": delay, "date": delay}
    assert isinstance(participant.provider.failure(status, headers, body), SluiceError)

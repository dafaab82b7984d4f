"""A stream of Anthropic's, event by event, and its bytes in every piece."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anthropic_calls import call, chunks_of, events_in
from sluice.api.chat_reply import ChatCompletionChunk, Delta
from sluice.errors import ModelNotFoundError, OverloadedError, SluiceError, UpstreamError
from sluice.providers.anthropic import chat
from sluice.wire.events import WireEvent

RECORDED = Path(__file__).parent / "recorded"
STREAMS = {path.stem: path.read_bytes() for path in sorted(RECORDED.glob("*.sse"))}
GOOD = [name for name in STREAMS if name != "overloaded"]
PING = {"type": "ping"}
STOP = {"type": "message_stop"}


def start(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 25, **usage}}}


def block(kind: str = "text", index: int = 0, **members: Any) -> dict[str, Any]:
    defaults: dict[str, dict[str, Any]] = {
        "text": {"text": ""},
        "tool_use": {"id": "toolu_1", "name": "now", "input": {}},
    }
    content = {"type": kind, **defaults.get(kind, {}), **members}
    return {"type": "content_block_start", "index": index, "content_block": content}


def piece(kind: str = "text_delta", index: Any = 0, **members: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **members}}


def end(index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ending(reason: str | None = "end_turn", **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def deltas(*events: dict[str, Any]) -> list[Delta]:
    return [chunk.choices[0].delta for chunk in chunks_of(events)[0] if chunk.choices]


def read(pieces: list[bytes]) -> tuple[list[ChatCompletionChunk], bool]:
    """What comes of bytes in these pieces."""
    decoder, stream = chat.new_decoder(), chat.reply_stream(call())
    found = [chunk for data in pieces for event in decoder.feed(data) for chunk in stream.feed(event)]
    found += [chunk for event in decoder.flush() for chunk in stream.feed(event)]
    return found, stream.complete


@pytest.mark.parametrize("name", GOOD)
def test_a_stream_is_the_same_byte_by_byte(name: str) -> None:
    data = STREAMS[name]
    assert read([data[at : at + 1] for at in range(len(data))]) == read([data])


@pytest.mark.parametrize("name", GOOD)
@given(cuts=st.data())
def test_a_stream_is_the_same_in_any_pieces(name: str, cuts: st.DataObject) -> None:
    data = STREAMS[name]
    places = sorted(cuts.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    assert read(pieces) == read([data])


@pytest.mark.parametrize("name", GOOD)
def test_a_stream_that_is_cut_is_not_complete(name: str) -> None:
    events = events_in(STREAMS[name])
    for length in range(len(events)):
        assert not chunks_of(events[:length])[1]
    assert chunks_of(events)[1]


def test_lines_may_end_as_they_like() -> None:
    assert read([STREAMS["text_crlf"]]) == read([STREAMS["text"]])


def test_each_piece_is_a_chunk_at_once() -> None:
    stream = chat.reply_stream(call())
    assert not stream.feed(WireEvent(json.dumps(start()).encode()))
    for number, event in enumerate(events_in(STREAMS["text"])[1:6]):
        chunks = stream.feed(event)
        assert len(chunks) == (0 if event.name == "ping" else 1), number


def test_chunks_have_the_messages_id_and_the_name_that_was_asked_for() -> None:
    chunks, _ = chunks_of([start(), block(), piece(text="a")])
    assert {(chunk.id, chunk.created, chunk.model) for chunk in chunks} == {
        ("msg_1", 1_700_000_000, "asked-for")
    }
    nameless, _ = chunks_of([block(), piece(text="a")])
    assert {chunk.id for chunk in nameless} == {"chatcmpl-ours"}


def test_calls_are_counted_and_not_blocks() -> None:
    chunks, _ = chunks_of(events_in(STREAMS["tools"]))
    calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    assert [call.index for call in calls] == [0] * 7 + [1] * 2
    assert [call.function.arguments for call in calls if call.function and call.index == 1] == ["", "{}"]
    assert [call.id for call in calls if call.id] == [
        "toolu_01T1x1fJ34qAmk2tNTrN7Up6",
        "toolu_01A09q90qw90lq917835lq9",
    ]


def test_a_call_may_have_all_its_arguments_from_the_start() -> None:
    found = deltas(block("tool_use", input={"a": 1}), end())
    assert [
        call.function.arguments for delta in found for call in delta.tool_calls or () if call.function
    ] == [
        "",
        '{"a":1}',
    ]


def test_what_a_block_begins_with_is_said() -> None:
    found = deltas(block(text="a"), piece(text="b"), block("thinking", 1, thinking="c"))
    assert [(delta.content, delta.reasoning_content) for delta in found] == [
        ("a", None),
        ("b", None),
        (None, "c"),
    ]


def test_a_thought_comes_whole_at_its_end() -> None:
    found = deltas(
        block("thinking", thinking="", signature=""),
        piece("thinking_delta", thinking="Hm"),
        piece("thinking_delta", thinking="."),
        piece("signature_delta", signature="c2"),
        piece("signature_delta", signature="ln"),
        end(),
    )
    assert [delta.reasoning_content for delta in found] == [None, "Hm", ".", None]
    assert found[-1].reasoning_details == [
        {
            "type": "reasoning.text",
            "text": "Hm.",
            "signature": "c2ln",
            "format": "anthropic-claude-v1",
            "index": 0,
        }
    ]


def test_a_thought_that_is_kept_back_shows_that_the_answer_has_begun() -> None:
    chunks, _ = chunks_of([start(), block("thinking", thinking="")])
    assert len(chunks) == 1
    assert chunks[0].usage is not None


class TestUsage:
    def test_of_the_start_goes_with_the_first_chunk(self) -> None:
        chunks, _ = chunks_of([start(output_tokens=1), block(), piece(text="a")])
        told = [
            chunk.usage and (chunk.usage.prompt_tokens, chunk.usage.completion_tokens) for chunk in chunks
        ]
        assert told == [(25, 1), None]

    def test_of_the_end_adds_to_it(self) -> None:
        chunks, _ = chunks_of([start(cache_read_input_tokens=5), block(), ending(output_tokens=9)])
        last = chunks[-1].usage
        assert last is not None
        assert (last.prompt_tokens, last.completion_tokens) == (30, 9)
        assert last.prompt_tokens_details is not None
        assert last.prompt_tokens_details.cached_tokens == 5

    def test_is_told_of_a_message_that_says_nothing(self) -> None:
        chunks, complete = chunks_of([start(), ending(output_tokens=2), STOP])
        assert complete
        assert [chunk.choices[0].finish_reason for chunk in chunks] == ["stop"]
        assert chunks[0].usage is not None

    def test_may_come_before_the_reason(self) -> None:
        chunks, complete = chunks_of([start(), block(), ending(None, output_tokens=5), ending(), STOP])
        assert complete
        assert [len(chunk.choices) for chunk in chunks] == [1, 0, 1]
        assert chunks[1].usage is not None
        assert chunks[1].usage.completion_tokens == 5

    def test_may_come_after_it(self) -> None:
        chunks, _ = chunks_of([start(), block(), ending(), ending(output_tokens=7)])
        assert chunks[-1].choices == []
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == 7


class TestTheEnd:
    @pytest.mark.parametrize(
        ("events", "complete"),
        [
            ([start(), block(), piece(text="a"), end(), ending(), STOP], True),
            ([start(), block(), piece(text="a"), end(), ending()], False),
            ([start(), block(), piece(text="a"), end(), STOP], False),
            ([start(), block(), piece(text="a"), end(), ending(None), STOP], False),
            ([], False),
        ],
    )
    def test_has_a_reason_and_a_stop(self, events: list[Any], complete: bool) -> None:
        assert chunks_of(events)[1] is complete

    def test_is_the_end(self) -> None:
        stream = chat.reply_stream(call())
        for event in [start(), block(), ending(), STOP]:
            stream.feed(WireEvent(json.dumps(event).encode()))
        assert stream.finished
        assert stream.feed(WireEvent(b"not JSON")) == ()

    def test_tells_why_the_model_declines(self) -> None:
        chunks, _ = chunks_of(events_in(STREAMS["refusal"]))
        assert chunks[-1].choices[0].delta.refusal == "This request could enable harm."
        assert chunks[-1].choices[0].finish_reason == "content_filter"


class TestWhatIsUnknown:
    def test_events_and_deltas_are_read_over(self) -> None:
        events = [
            start(),
            PING,
            {"type": "new_event", "data": 1},
            block(),
            piece("new_delta", what="?"),
            piece("citations_delta", citation={}),
            piece(text="a"),
            {},
        ]
        assert [delta.content for delta in deltas(*events)] == ["", "a"]

    def test_blocks_are_an_error(self) -> None:
        with pytest.raises(UpstreamError, match="'telepathy'"):
            chunks_of([start(), block("telepathy")])


@pytest.mark.parametrize(
    "event",
    [
        piece(text="a"),
        end(),
        {"type": "content_block_start"},
        {"type": "content_block_start", "index": "0", "content_block": {"type": "text", "text": ""}},
        block(text=None),
        block("tool_use", name=7),
        block("thinking", thinking=7),
        block("redacted_thinking"),
        ending("tired"),
        start(output_tokens="many"),
    ],
)
def test_what_makes_no_sense_is_an_error(event: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError):
        chunks_of([event, block(index=9)])


@pytest.mark.parametrize(
    "event", [piece(), piece(text=7), {"type": "content_block_delta", "index": 0}, piece(index=[0], text="a")]
)
def test_a_delta_that_makes_no_sense_is_an_error(event: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError):
        chunks_of([block(), event])


@pytest.mark.parametrize("data", [b"", b"[DONE]", b"[]", b"{"])
def test_what_is_no_event_is_an_error(data: bytes) -> None:
    with pytest.raises(UpstreamError):
        chunks_of([WireEvent(data)])


class TestFailures:
    def test_in_the_middle_is_what_it_says(self) -> None:
        with pytest.raises(OverloadedError):
            chunks_of(events_in(STREAMS["overloaded"]))

    @pytest.mark.parametrize(
        ("kind", "error"), [("overloaded_error", OverloadedError), ("not_found_error", ModelNotFoundError)]
    )
    def test_after_the_start_come_before_any_chunk(self, kind: str, error: type[SluiceError]) -> None:
        stream = chat.reply_stream(call())
        assert not stream.feed(WireEvent(json.dumps(start()).encode()))
        assert not stream.feed(WireEvent(json.dumps(PING).encode()))
        with pytest.raises(error):
            stream.feed(
                WireEvent(json.dumps({"type": "error", "error": {"type": kind, "message": "?"}}).encode())
            )

"""Replies, whole and streamed; requests as a whole stand in the tests of their parts."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_calls import BASE, BUDGETED, gemini_call, sent_body, target
from mock_gemini_turns import events, whole
from mock_turns import Call, Count, Turn
from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.errors import OverloadedError, SluiceError, UpstreamError
from sluice.providers.gemini import chat
from sluice.wire.events import WireEvent

RECORDED = Path(__file__).with_name("recorded")
CALL = gemini_call(target(BUDGETED))


def decoded(data: bytes, cuts: Sequence[int] = ()) -> list[WireEvent]:
    """The events of bytes that come in pieces, cut there."""
    decoder = chat.new_decoder()
    edges = [0, *sorted(cuts), len(data)]
    found = [event for start, end in pairwise(edges) for event in decoder.feed(data[start:end])]
    return found + decoder.flush()


def streamed(data: bytes, cuts: Sequence[int] = (), call: Any = CALL) -> list[ChatCompletionChunk]:
    stream = chat.reply_stream(call)
    chunks = [chunk for event in decoded(data, cuts) for chunk in stream.feed(event)]
    assert stream.complete
    return chunks


def added_up(chunks: list[ChatCompletionChunk]) -> ChatCompletion:
    accumulator = ChatAccumulator()
    for chunk in chunks:
        accumulator.add(chunk)
    return accumulator.whole()


def recorded(name: str) -> bytes:
    return (RECORDED / f"{name}.sse").read_bytes()


def dumped(chunks: list[ChatCompletionChunk]) -> list[Any]:
    return [chunk.model_dump() for chunk in chunks]


class TestRequest:
    def test_is_made_of_its_parts(self) -> None:
        body = sent_body(
            BUDGETED,
            messages=[{"role": "system", "content": "a"}, {"role": "user", "content": "b"}],
            tools=[{"type": "function", "function": {"name": "f"}}],
            max_tokens=9,
            safety_settings=[{"category": "c", "threshold": "t"}],
        )
        assert body.keys() == {
            "contents",
            "systemInstruction",
            "tools",
            "generationConfig",
            "safetySettings",
        }

    @pytest.mark.parametrize(
        ("stream", "method"),
        [(False, "generateContent"), (True, "streamGenerateContent?alt=sse")],
    )
    def test_goes_to_the_method_that_answers_so(self, stream: bool, method: str) -> None:
        sent = chat.upstream_request(gemini_call(stream=stream))
        assert sent.url == f"{BASE}/v1beta/models/gemini-2.0-flash:{method}"


class TestRecorded:
    """Bytes in the form that Google sends, written after what it documents and others have published."""

    def test_thoughts_and_text(self) -> None:
        reply = added_up(streamed(recorded("thinking_text")))
        (choice,) = reply.choices
        assert choice.message.content == "Züge fahren pünktlich. 🚆\u2028"
        assert choice.message.reasoning_content == (
            "**Considering the question**\n\nThe user wants one line.\n"
        )
        assert choice.finish_reason == "stop"
        assert (reply.id, reply.model, reply.created) == (
            "kYh-aPz2Is_6nvgP9fGJ4AM",
            "asked-for",
            1_700_000_000,
        )
        assert reply.usage is not None
        assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (9, 56)

    def test_parallel_calls(self) -> None:
        reply = added_up(streamed(recorded("parallel_calls")))
        (choice,) = reply.choices
        assert choice.finish_reason == "tool_calls"
        assert [call.model_dump() for call in choice.message.tool_calls or ()] == [
            {
                "id": "8k2j1x0q",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Zürich","days":3}'},
                "extra_content": {"google": {"thought_signature": "EtQBCtEBAXLI2nzAf9dWvL0rJ4m+T8w="}},
            },
            {
                "id": "call_89abcdef0123456789abcdef_0_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Bern"}'},
            },
        ]
        assert reply.usage is not None
        assert reply.usage.prompt_tokens_details is not None
        assert reply.usage.prompt_tokens_details.cached_tokens == 100

    def test_the_signature_of_a_text(self) -> None:
        (choice,) = added_up(streamed(recorded("signed_text"))).choices
        assert choice.message.content == "Four."
        assert choice.message.reasoning_details == [
            {
                "type": "reasoning.encrypted",
                "data": "EpcCCpQCAXLI2nyZ",
                "format": "google-gemini-v1",
                "index": 0,
            }
        ]

    def test_a_blocked_prompt(self) -> None:
        reply = added_up(streamed(recorded("blocked_prompt")))
        (choice,) = reply.choices
        assert (choice.message.content, choice.finish_reason) == (None, "content_filter")
        assert choice.message.refusal == "The provider's filters blocked the prompt: PROHIBITED_CONTENT."
        assert reply.usage is not None
        assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (13, 0)

    def test_an_unsafe_answer(self) -> None:
        (choice,) = added_up(streamed(recorded("unsafe"))).choices
        assert (choice.message.content, choice.finish_reason) == ("First, you", "content_filter")

    def test_two_candidates_that_take_turns(self) -> None:
        data = recorded("two_candidates")
        reply = added_up(streamed(data, call=gemini_call(n=2)))
        said = [(choice.index, choice.message.content, choice.finish_reason) for choice in reply.choices]
        assert said == [(0, "Hello", "length"), (1, "Guten Tag", "stop")]
        assert reply.usage is not None
        assert reply.usage.completion_tokens == 5, "the last count is the one of both"

    def test_a_failure_midway(self) -> None:
        stream = chat.reply_stream(CALL)
        first, second = decoded(recorded("overloaded_midway"))
        assert stream.feed(first)
        with pytest.raises(OverloadedError):
            stream.feed(second)
        assert not stream.complete

    @pytest.mark.parametrize(
        "name", ["thinking_text", "parallel_calls", "signed_text", "blocked_prompt", "unsafe"]
    )
    @given(data=st.data())
    def test_chunks_are_the_same_however_the_bytes_are_cut(self, name: str, data: st.DataObject) -> None:
        raw = recorded(name)
        cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=12))
        assert dumped(streamed(raw, cuts)) == dumped(streamed(raw))

    @pytest.mark.parametrize("name", ["thinking_text", "parallel_calls", "blocked_prompt"])
    def test_chunks_are_the_same_byte_by_byte(self, name: str) -> None:
        raw = recorded(name)
        assert dumped(streamed(raw, range(len(raw)))) == dumped(streamed(raw))

    @pytest.mark.parametrize("name", ["thinking_text", "parallel_calls", "signed_text", "unsafe"])
    def test_a_stream_that_lacks_its_end_is_not_complete(self, name: str) -> None:
        stream = chat.reply_stream(CALL)
        for event in decoded(recorded(name))[:-1]:
            for chunk in stream.feed(event):
                assert chunk.usage is None, "a count on the way is not the count"
        assert not stream.complete
        assert not stream.finished


TEXTS = st.lists(st.text(min_size=1), max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CALLS = st.lists(
    st.builds(
        lambda name, arguments, call_id: Call(name, (json.dumps(arguments),), call_id),
        st.text(min_size=1, alphabet="abc_"),
        st.dictionaries(st.text(), VALUES, max_size=3),
        st.sampled_from(["", "", "given"]),
    ),
    max_size=3,
)
TURNS = st.builds(
    lambda text, reasoning, signature, calls, end, counts: Turn(
        text, reasoning, signature, calls, "tool_calls" if calls and end == "stop" else end, counts
    ),
    TEXTS,
    TEXTS,
    st.sampled_from(["", "c2lnbmVk"]),
    CALLS,
    st.sampled_from(["stop", "length", "content_filter"]),
    st.builds(
        Count, st.integers(5, 99), st.integers(9, 99), st.integers(0, 5), st.just(0), st.integers(0, 9)
    ),
)


@given(TURNS)
def test_whole_and_streamed_say_the_same(turn: Turn) -> None:
    if turn.signature and not (turn.text or turn.calls):
        return  # there is no text to sign in a whole reply; a thought's signature is another thing
    made = chat.whole_reply(whole(turn, BUDGETED), CALL)
    assert added_up(streamed(b"".join(events(turn, BUDGETED)))).model_dump() == made.model_dump()
    (choice,) = made.choices
    assert (choice.message.content or "") == "".join(turn.text)
    assert (choice.message.reasoning_content or "") == "".join(turn.reasoning)
    assert choice.finish_reason == turn.end
    functions = [call.function for call in choice.message.tool_calls or () if call.function]
    assert [json.loads(function.arguments) for function in functions] == [
        json.loads("".join(call.arguments)) for call in turn.calls
    ]
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (
        turn.usage.prompt,
        turn.usage.completion,
    )


def reply(**members: Any) -> bytes:
    candidate = {"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP", "index": 0}
    return json.dumps({"candidates": [candidate], "responseId": "r1", **members}).encode()


class TestWholeReply:
    def test_has_what_the_schema_requires(self) -> None:
        made = chat.whole_reply(reply(), CALL).model_dump(mode="json")
        assert made == {
            "id": "r1",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "asked-for",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "Hi", "refusal": None},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
        }

    def test_has_an_id_of_ours_where_google_gives_none(self) -> None:
        assert chat.whole_reply(reply(responseId=None), CALL).id == CALL.id

    def test_a_blocked_prompt_is_a_refusal(self) -> None:
        body = json.dumps({"promptFeedback": {"blockReason": "SAFETY"}}).encode()
        (choice,) = chat.whole_reply(body, CALL).choices
        assert (choice.message.refusal or "").endswith("SAFETY.")
        assert choice.finish_reason == "content_filter"

    def test_feedback_to_a_prompt_that_was_answered_changes_nothing(self) -> None:
        (choice,) = chat.whole_reply(reply(promptFeedback={"blockReason": "SAFETY"}), CALL).choices
        assert choice.finish_reason == "stop"

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>",
            b"[]",
            b"{}",
            b'{"candidates": [',
            reply(candidates=[]),
            reply(candidates=None),
            reply(candidates=[7]),
            reply(candidates=[{}]),
            reply(candidates=[{"finishReason": "BORED"}]),
            reply(candidates=[{"finishReason": "STOP", "index": "x"}]),
            reply(candidates=[{"finishReason": "STOP", "index": 0.5}]),
            reply(candidates=[{"finishReason": "STOP", "index": -1}]),
            reply(candidates=[{"finishReason": "STOP", "content": {"parts": [{"text": 7}]}}]),
            reply(usageMetadata={"promptTokenCount": "many"}),
            reply(promptFeedback={"blockReason": 7}, candidates=[]),
            reply(error={"message": "AIza is no good", "code": 500}),
        ],
    )
    def test_nonsense_is_an_upstream_error_that_quotes_nothing(self, body: bytes) -> None:
        with pytest.raises(UpstreamError) as caught:
            chat.whole_reply(body, CALL)
        assert "AIza" not in caught.value.message


class TestStream:
    def test_is_complete_once_every_candidate_has_ended(self) -> None:
        first, second, third = decoded(recorded("two_candidates"))
        stream = chat.reply_stream(gemini_call(n=2))
        for event in (first, second):
            stream.feed(event)
            assert not stream.complete
        stream.feed(third)
        assert stream.complete

    def test_is_not_complete_while_a_candidate_that_was_asked_for_is_missing(self) -> None:
        stream = chat.reply_stream(gemini_call(n=2))
        stream.feed(WireEvent(reply()))
        assert not stream.complete

    def test_is_not_complete_while_one_that_was_not_asked_for_goes_on(self) -> None:
        stream = chat.reply_stream(CALL)
        begun = {"content": {"parts": [{"text": "Gu"}]}, "index": 1}
        stream.feed(WireEvent(json.dumps({"candidates": [begun]}).encode()))
        stream.feed(WireEvent(reply()))
        assert not stream.complete

    def test_of_nothing_is_not_complete(self) -> None:
        assert not chat.reply_stream(CALL).complete

    def test_events_that_say_nothing_make_no_chunk(self) -> None:
        stream = chat.reply_stream(CALL)
        quiet = {
            "candidates": [{"content": {"parts": [{"text": ""}]}}],
            "usageMetadata": {"promptTokenCount": 3},
        }
        assert not stream.feed(WireEvent(json.dumps(quiet).encode()))
        assert not stream.feed(WireEvent(b'{"usageMetadata": {"promptTokenCount": 3}}'))

    def test_a_late_count_counts(self) -> None:
        stream = chat.reply_stream(CALL)
        stream.feed(WireEvent(reply()))
        (chunk,) = stream.feed(WireEvent(b'{"usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}'))
        assert chunk.usage is not None
        assert (chunk.choices, chunk.usage.prompt_tokens) == ([], 3)

    @pytest.mark.parametrize(
        "data",
        [b"", b"[DONE]", b"[]", b'{"candidates": [{"finishReason": "BORED"}]}', b'{"error": {"code": 500}}'],
    )
    def test_an_event_that_is_none_breaks_it(self, data: bytes) -> None:
        with pytest.raises(SluiceError):
            chat.reply_stream(CALL).feed(WireEvent(data))


@pytest.mark.parametrize(("given", "index"), [(None, 0), (0.0, 0), (3, 3)])
def test_the_number_of_a_candidate_may_be_null(given: Any, index: int) -> None:
    candidate = {"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP", "index": given}
    (choice,) = chat.whole_reply(json.dumps({"candidates": [candidate]}).encode(), CALL).choices
    assert choice.index == index

"""Replies of Converse and ConverseStream, and that both say the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_calls import call
from mock_bedrock import CLAUDE, event, events, exception, whole
from mock_turns import Call, Count, Turn
from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.errors import InvalidRequestError, OverloadedError, SluiceError, UpstreamError
from sluice.providers.bedrock import chat
from sluice.providers.bedrock.reasoning import FORMAT
from sluice.providers.bedrock.tools import STAND_IN
from sluice.wire.events import WireEvent

RECORDED = Path(__file__).parent / "recorded"
CALL = call()
TURN = Turn(
    text=("I ", "look."),
    reasoning=("Which ", "city?"),
    signature="c2lnbmF0dXJl",
    calls=[Call("weather", ['{"ci', 'ty":"Paris"}'], "tooluse_1"), Call("now", [], "tooluse_2")],
    end="tool_calls",
    usage=Count(prompt=30, completion=12, cached=5, cache_written=7),
)


def translated(data: bytes, *cuts: int) -> list[ChatCompletionChunk]:
    """The chunks of a stream's bytes, split there."""
    decoder, stream = chat.new_decoder(), chat.reply_stream(CALL)
    ends = [*sorted(cuts), len(data)]
    parts = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    chunks = [chunk for part in parts for each in decoder.feed(part) for chunk in stream.feed(each)]
    chunks += [chunk for each in decoder.flush() for chunk in stream.feed(each)]
    assert stream.complete
    assert stream.finished
    return chunks


def added_up(chunks: list[ChatCompletionChunk]) -> ChatCompletion:
    accumulator = ChatAccumulator()
    for chunk in chunks:
        accumulator.add(chunk)
    return accumulator.whole()


def fed(*given: tuple[str, Any]) -> list[ChatCompletionChunk]:
    stream = chat.reply_stream(CALL)
    return [
        chunk
        for name, payload in given
        for chunk in stream.feed(WireEvent(json.dumps(payload).encode(), name))
    ]


def delta(index: Any = 0, **members: Any) -> tuple[str, Any]:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": members}


class TestWholeReply:
    def test_has_everything_in_openais_shape(self) -> None:
        reply = chat.whole_reply(whole(TURN, CLAUDE), CALL)
        assert reply.model_dump(mode="json") == {
            "id": "chatcmpl-ours",
            "object": "chat.completion",
            "created": 1_785_000_000,
            "model": "asked-for",
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": "I look.",
                        "refusal": None,
                        "reasoning_content": "Which city?",
                        "reasoning_details": [
                            {
                                "type": "reasoning.text",
                                "text": "Which city?",
                                "signature": "c2lnbmF0dXJl",
                                "format": FORMAT,
                                "index": 0,
                            }
                        ],
                        "tool_calls": [
                            {
                                "id": "tooluse_1",
                                "type": "function",
                                "function": {"name": "weather", "arguments": '{"city":"Paris"}'},
                            },
                            {
                                "id": "tooluse_2",
                                "type": "function",
                                "function": {"name": "now", "arguments": "{}"},
                            },
                        ],
                    },
                    "logprobs": None,
                    "finish_reason": "tool_calls",
                }
            ],
            "usage": {
                "prompt_tokens": 30,
                "completion_tokens": 12,
                "total_tokens": 42,
                "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 7},
            },
        }

    def test_thoughts_without_a_signature_are_for_reading_only(self) -> None:
        message = (
            chat.whole_reply(whole(Turn(text=("a",), reasoning=("b",)), CLAUDE), CALL).choices[0].message
        )
        assert (message.reasoning_content, message.reasoning_details) == ("b", None)

    @pytest.mark.parametrize(
        ("reason", "finish"),
        [
            ("end_turn", "stop"),
            ("stop_sequence", "stop"),
            ("max_tokens", "length"),
            ("model_context_window_exceeded", "length"),
            ("guardrail_intervened", "content_filter"),
            ("content_filtered", "content_filter"),
            ("tool_use", "tool_calls"),
        ],
    )
    def test_each_reason_has_its_word(self, reason: str, finish: str) -> None:
        body = json.loads(whole(Turn(text=("a",)), CLAUDE))
        body["stopReason"] = reason
        assert chat.whole_reply(json.dumps(body).encode(), CALL).choices[0].finish_reason == finish
        end = fed(("messageStop", {"stopReason": reason}))[-1]
        assert end.choices[0].finish_reason == finish

    @pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use", "bored", None, 5, []])
    def test_other_reasons_are_failures(self, reason: Any) -> None:
        body = json.loads(whole(Turn(text=("a",)), CLAUDE))
        body["stopReason"] = reason
        with pytest.raises(UpstreamError):
            chat.whole_reply(json.dumps(body).encode(), CALL)
        with pytest.raises(UpstreamError):
            fed(("messageStop", {"stopReason": reason}))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>",
            b"[]",
            b"{}",
            b'{"output":{"message":{"content":{}}},"stopReason":"end_turn"}',
            b'{"output":{"message":{"content":[{"image":{}}]}},"stopReason":"end_turn"}',
            b'{"output":{"message":{"content":[{"text":5}]}},"stopReason":"end_turn"}',
            b'{"output":{"message":{"content":[7]}},"stopReason":"end_turn"}',
            b'{"output":{"message":{"content":[{"text":"a"}]}},"stopReason":"end_turn","usage":{"inputTokens":-1}}',
            b'{"output":{"message":{"content":[{"toolUse":{"name":"x"}}]}},"stopReason":"tool_use"}',
        ],
    )
    def test_nonsense_is_an_upstream_error(self, body: bytes) -> None:
        with pytest.raises(UpstreamError):
            chat.whole_reply(body, CALL)

    def test_the_tool_that_stands_in_for_none_is_not_called(self) -> None:
        turn = Turn(calls=[Call(STAND_IN, ["{}"])], end="tool_calls")
        with pytest.raises(UpstreamError, match="may call none"):
            chat.whole_reply(whole(turn, CLAUDE), CALL)
        with pytest.raises(UpstreamError, match="may call none"):
            translated(b"".join(events(turn, CLAUDE)))

    def test_without_usage_there_is_none(self) -> None:
        body = json.loads(whole(Turn(text=("a",)), CLAUDE))
        del body["usage"]
        assert chat.whole_reply(json.dumps(body).encode(), CALL).usage is None


class TestStream:
    def test_each_piece_comes_at_once(self) -> None:
        found = [
            chunk.choices[0].delta.model_dump() if chunk.choices else None
            for chunk in translated(b"".join(events(TURN, CLAUDE)))
        ]
        assert found == [
            {"reasoning_content": "Which "},
            {"reasoning_content": "city?"},
            {
                "reasoning_details": [
                    {
                        "type": "reasoning.text",
                        "text": "Which city?",
                        "signature": "c2lnbmF0dXJl",
                        "format": FORMAT,
                        "index": 0,
                    }
                ]
            },
            {"content": "I "},
            {"content": "look."},
            {
                "tool_calls": [
                    {
                        "index": 0,
                        "id": "tooluse_1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": ""},
                    }
                ]
            },
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"ci'}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": 'ty":"Paris"}'}}]},
            {
                "tool_calls": [
                    {
                        "index": 1,
                        "id": "tooluse_2",
                        "type": "function",
                        "function": {"name": "now", "arguments": ""},
                    }
                ]
            },
            {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
            {},
            None,
        ]

    def test_is_complete_with_its_reason_and_finished_with_its_usage(self) -> None:
        stream = chat.reply_stream(CALL)
        steps = []
        for name, payload in (
            delta(text="a"),
            ("contentBlockStop", {"contentBlockIndex": 0}),
            ("messageStop", {"stopReason": "end_turn"}),
            ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}),
            delta(text="after the end"),
        ):
            found = stream.feed(WireEvent(json.dumps(payload).encode(), name))
            steps.append((stream.complete, stream.finished, len(found)))
        assert steps == [
            (False, False, 1),
            (False, False, 0),
            (True, False, 1),
            (True, True, 1),
            (True, True, 0),
        ]

    def test_usage_alone_does_not_end_it(self) -> None:
        stream = chat.reply_stream(CALL)
        stream.feed(WireEvent(b'{"usage":{"inputTokens":1,"outputTokens":2}}', "metadata"))
        assert not stream.finished

    def test_encrypted_thoughts_come_whole(self) -> None:
        made = fed(
            delta(reasoningContent={"redactedContent": "AAEC"}),
            delta(reasoningContent={"redactedContent": "AwQ="}),
            ("contentBlockStop", {"contentBlockIndex": 0}),
        )
        assert [chunk.choices[0].delta.reasoning_details for chunk in made] == [
            [{"type": "reasoning.encrypted", "data": "AAECAwQ=", "format": FORMAT, "index": 0}]
        ]

    def test_what_waits_for_the_end_of_a_block_comes_at_the_latest_with_the_reason(self) -> None:
        made = fed(
            delta(reasoningContent={"text": "Hm."}),
            delta(reasoningContent={"signature": "s"}),
            ("messageStop", {"stopReason": "end_turn"}),
        )
        assert made[1].choices[0].delta.reasoning_details is not None
        assert made[2].choices[0].finish_reason == "stop"

    def test_events_that_nobody_knows_are_passed_over(self) -> None:
        assert fed(("messageStart", {"role": "assistant"}), ("somethingNew", {"a": 1})) == []
        assert fed(("contentBlockStart", {"contentBlockIndex": 0, "start": {}})) == []

    @pytest.mark.parametrize(
        "given",
        [
            ("contentBlockDelta", []),
            ("contentBlockDelta", {"delta": {"text": "a"}}),
            delta([], text="a"),
            delta(text=5),
            delta(image={"source": {}}),
            delta(toolUse={"input": "{}"}),
            delta(reasoningContent={}),
            ("contentBlockDelta", {"contentBlockIndex": 0}),
            ("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}}),
            ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"name": "x"}}}),
            ("contentBlockStart", {"start": {"toolUse": {"name": "x", "toolUseId": "y"}}}),
            ("contentBlockStop", {}),
            ("messageStop", {}),
            ("metadata", {"usage": {"inputTokens": "many"}}),
        ],
    )
    def test_nonsense_is_an_upstream_error(self, given: tuple[str, Any]) -> None:
        with pytest.raises(UpstreamError):
            fed(given)

    def test_encrypted_thoughts_that_are_no_base64_are_an_upstream_error(self) -> None:
        piece = delta(reasoningContent={"redactedContent": "A"})
        with pytest.raises(UpstreamError):
            fed(piece, piece, ("contentBlockStop", {"contentBlockIndex": 0}))

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("throttlingException", OverloadedError),
            ("serviceUnavailableException", OverloadedError),
            ("modelStreamErrorException", UpstreamError),
            ("internalServerException", UpstreamError),
            ("somethingNewException", UpstreamError),
            ("validationException", InvalidRequestError),
        ],
    )
    def test_an_exception_is_raised_as_what_it_means(self, name: str, kind: type[SluiceError]) -> None:
        data = event("messageStart", {"role": "assistant"}) + exception(name, "it went wrong")
        with pytest.raises(kind):
            translated(data)


PIECES = st.lists(st.text(max_size=6), max_size=4)
ARGUMENTS = st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=3)


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    calls = []
    for number, arguments in enumerate(draw(st.lists(ARGUMENTS, max_size=3))):
        written = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
        cut = draw(st.integers(0, len(written)))
        calls.append(Call(f"tool_{number}", [written[:cut], written[cut:]], f"id_{number}"))
    prompt, cached, written_to = (draw(st.integers(0, 1000)) for _ in range(3))
    return Turn(
        text=draw(PIECES),
        reasoning=draw(PIECES),
        signature=draw(st.sampled_from(["", "c2ln"])),
        calls=calls,
        end=draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"])),
        usage=Count(prompt + cached + written_to, draw(st.integers(0, 1000)), cached, written_to),
    )


@given(turns(), st.data())
def test_streamed_and_whole_replies_say_the_same_however_they_are_split(
    turn: Turn, data: st.DataObject
) -> None:
    stream = b"".join(events(turn, CLAUDE))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    streamed = added_up(translated(stream, *cuts))
    assert streamed.model_dump() == chat.whole_reply(whole(turn, CLAUDE), CALL).model_dump()


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.bin")), ids=lambda path: path.stem)
def test_recorded_streams_add_up_to_the_recorded_reply_byte_by_byte(path: Path) -> None:
    data = path.read_bytes()
    expected = json.loads(path.with_suffix(".json").read_text())
    for cuts in ((), range(1, len(data))):
        found = added_up(translated(data, *cuts)).model_dump(mode="json")
        assert {name: found[name] for name in ("choices", "usage")} == expected


@pytest.mark.parametrize("members", [{}, {"input": None}, {"input": {}}])
def test_a_call_without_arguments_has_none(members: dict[str, Any]) -> None:
    block = {"toolUse": {"toolUseId": "1", "name": "now", **members}}
    body = {"output": {"message": {"role": "assistant", "content": [block]}}, "stopReason": "tool_use"}
    (found,) = chat.whole_reply(json.dumps(body).encode(), CALL).choices[0].message.tool_calls or []
    assert found.function is not None
    assert found.function.arguments == "{}"

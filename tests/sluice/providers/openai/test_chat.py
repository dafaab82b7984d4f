"""OpenAI's format, as OpenAI and its many imitators write it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import validate
from sluice.errors import UpstreamError
from sluice.providers.contract import ProviderCall, Target
from sluice.providers.openai import chat as openai
from sluice.wire.events import WireEvent

TARGET = Target("openai", "https://api.example/v1/", "upstream-model", "sk-upstream", {"X-Team": "blue"})


def request(**members: Any) -> ChatCompletionRequest:
    return validate(
        ChatCompletionRequest,
        {"model": "asked-for", "messages": [{"role": "user", "content": "Hi"}], **members},
    )


def call(to: Target = TARGET, **members: Any) -> ProviderCall[ChatCompletionRequest]:
    return ProviderCall(request(**members), to, id="chatcmpl-ours", now=1_700_000_000.5)


CALL = call()


def reply(**members: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    return json.dumps(
        {"id": "chatcmpl-1", "created": 1, "model": "m", "choices": [choice], **members}
    ).encode()


def chunks(*raw: dict[str, Any] | bytes) -> list[ChatCompletionChunk]:
    stream = openai.reply_stream(CALL)
    return [
        chunk
        for event in raw
        for chunk in stream.feed(WireEvent(event if isinstance(event, bytes) else json.dumps(event).encode()))
    ]


def choice(delta: Any = None, finish: Any = None, **members: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "created": 1,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish, **members}],
    }


class TestRequest:
    def test_goes_to_the_candidate_with_its_credential(self) -> None:
        sent = openai.upstream_request(CALL)
        assert sent.url == "https://api.example/v1/chat/completions"
        assert sent.headers["authorization"] == "Bearer sk-upstream"
        assert sent.headers["x-team"] == "blue"
        assert json.loads(sent.body)["model"] == "upstream-model"
        assert "sk-upstream" not in repr(sent) + repr(TARGET)

    def test_members_are_passed_on_unchanged(self) -> None:
        members: dict[str, Any] = {
            "unknown": {"a": [1, None]},
            "n": 2,
            "stop": "x",
            "seed": 7,
            "temperature": None,
        }
        body = json.loads(openai.upstream_request(call(**members)).body)
        assert body == {
            "model": "upstream-model",
            "messages": [{"role": "user", "content": "Hi"}],
            **members,
        }

    @pytest.mark.parametrize("given", ["max_tokens", "max_completion_tokens"])
    @pytest.mark.parametrize("known", ["max_tokens", "max_completion_tokens"])
    def test_an_output_limit_goes_by_the_name_that_the_model_takes(self, given: str, known: Any) -> None:
        """Also for keys without limits, for which none is filled in."""
        asked = call(replace(TARGET, output_limit=known), **{given: 5})
        body = json.loads(openai.upstream_request(asked).body)
        assert {name: body[name] for name in body if name.startswith("max_")} == {known: 5}

    def test_our_own_members_are_not_passed_on(self) -> None:
        assert "search_enabled" not in json.loads(openai.upstream_request(call(search_enabled=False)).body)

    def test_a_stream_is_asked_for_its_usage(self) -> None:
        body = json.loads(openai.upstream_request(call(stream=True)).body)
        assert body["stream_options"] == {"include_usage": True}

    def test_a_whole_reply_is_not(self) -> None:
        assert "stream_options" not in json.loads(openai.upstream_request(CALL).body)


class TestWholeReply:
    def test_has_the_name_that_was_asked_for(self) -> None:
        assert openai.whole_reply(reply(), CALL).model == "asked-for"

    def test_gets_the_members_that_the_schema_requires(self) -> None:
        raw = openai.whole_reply(reply(system_fingerprint=None, usage=None), CALL).model_dump(mode="json")
        assert raw["choices"][0]["logprobs"] is None
        assert raw["choices"][0]["message"] == {"role": "assistant", "content": "Hi", "refusal": None}
        assert raw.keys() == {"id", "object", "created", "model", "choices"}

    def test_takes_over_no_member_that_is_the_gateways_own(self) -> None:
        forged = reply(requestHash="f", responseHash="f", search_result=[], error=None)
        assert not {"requestHash", "responseHash", "search_result", "error"} & set(
            openai.whole_reply(forged, CALL).model_dump()
        )

    def test_keeps_members_it_does_not_know(self) -> None:
        assert openai.whole_reply(reply(citations=["a"]), CALL).model_dump()["citations"] == ["a"]

    def test_gets_what_hosts_leave_out_or_null(self) -> None:
        calls = [
            {"id": "1", "type": None, "function": {"name": "f", "arguments": None}},
            {"id": "2", "function": {"name": "g"}},
        ]
        choice = {
            "index": None,
            "message": {"role": None, "tool_calls": calls},
            "finish_reason": "tool_calls",
        }
        (found,) = openai.whole_reply(reply(choices=[choice]), CALL).choices
        assert (found.index, found.message.role) == (0, "assistant")
        told = [
            (call.type, call.function.arguments) for call in found.message.tool_calls or [] if call.function
        ]
        assert told == [("function", "{}"), ("function", "{}")]

    def test_takes_id_and_time_from_the_context_where_there_are_none(self) -> None:
        completion = openai.whole_reply(reply(id="", created=None), CALL)
        assert (completion.id, completion.created) == ("chatcmpl-ours", 1_700_000_000)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>",
            b"[]",
            b'{"choices":[',
            reply(choices=[]),
            reply(choices=None),
            reply(choices=[{"index": 0, "finish_reason": "stop"}]),
            reply(choices=[{"index": 0, "message": {"content": 5}, "finish_reason": "stop"}]),
            reply(choices=[{"index": 0, "message": {}, "finish_reason": "bored"}]),
            reply(choices=[{"index": 0, "message": {}, "finish_reason": None}]),
            reply(choices=[7]),
            reply(usage={"prompt_tokens": "many"}),
            reply(error={"message": "sk-upstream is no good", "code": "nope"}),
        ],
    )
    def test_nonsense_is_an_upstream_error_that_quotes_nothing(self, body: bytes) -> None:
        with pytest.raises(UpstreamError) as caught:
            openai.whole_reply(body, CALL)
        assert "sk-" not in caught.value.message


class TestStream:
    def test_is_complete_when_every_choice_has_ended(self) -> None:
        stream = openai.reply_stream(CALL)
        assert not stream.complete
        for index in (0, 1):
            stream.feed(WireEvent(json.dumps(choice({"content": "x"}, index=index)).encode()))
        stream.feed(WireEvent(json.dumps(choice({}, "stop", index=1)).encode()))
        assert not stream.complete
        stream.feed(WireEvent(json.dumps(choice({}, "length", index=0)).encode()))
        assert stream.complete
        assert not stream.finished
        stream.feed(WireEvent(b"[DONE]"))
        assert stream.finished

    def test_without_done_every_choice_that_was_asked_for_must_be_there(self) -> None:
        stream = openai.reply_stream(call(n=2))
        stream.feed(WireEvent(json.dumps(choice({"content": "x"}, "stop")).encode()))
        assert not stream.complete
        stream.feed(WireEvent(json.dumps(choice({"content": "x"}, "stop", index=1)).encode()))
        assert stream.complete

    def test_with_done_a_host_that_knows_no_n_is_taken_at_its_word(self) -> None:
        stream = openai.reply_stream(call(n=2))
        stream.feed(WireEvent(json.dumps(choice({"content": "x"}, "stop")).encode()))
        stream.feed(WireEvent(b"[DONE]"))
        assert stream.complete

    def test_tool_calls_without_an_index_are_numbered_as_they_come(self) -> None:
        def piece(**members: Any) -> dict[str, Any]:
            return choice({"tool_calls": [{"function": {"arguments": "{}"}, **members}]})

        both = choice({"tool_calls": [{"id": "c", "function": {}}, {"id": "d", "function": {}}]})
        made = chunks(piece(id="a"), piece(), piece(id="b"), piece(), both)
        calls = [each for chunk in made for each in chunk.choices[0].delta.tool_calls or []]
        assert [each.index for each in calls] == [0, 0, 1, 1, 2, 3]

    def test_calls_of_one_delta_without_index_and_id_are_told_apart_by_their_names(self) -> None:
        pair = choice(
            {
                "tool_calls": [
                    {"id": "", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}},
                    {"id": "", "function": {"name": "time", "arguments": "{}"}},
                ]
            }
        )
        (made,) = chunks(pair)
        assert [each.index for each in made.choices[0].delta.tool_calls or []] == [0, 1]

    def test_a_host_that_repeats_the_id_means_the_same_call(self) -> None:
        pieces = [{"id": "a", "function": {"name": "f"}}, {"id": "a", "function": {"arguments": "{"}}]
        made = chunks(*(choice({"tool_calls": [piece]}) for piece in pieces))
        assert [each.index for chunk in made for each in chunk.choices[0].delta.tool_calls or []] == [0, 0]

    def test_done_alone_does_not_make_it_complete(self) -> None:
        stream = openai.reply_stream(CALL)
        stream.feed(WireEvent(json.dumps(choice({"content": "x"})).encode()))
        stream.feed(WireEvent(b"[DONE]"))
        assert stream.finished
        assert not stream.complete

    def test_what_hosts_write_differently_becomes_alike(self) -> None:
        call = {"function": {"name": "f", "arguments": "{}"}, "type": "", "id": None}
        (chunk,) = chunks(choice({"role": "", "content": None, "tool_calls": [call]}, ""))
        assert chunk.model_dump(mode="json")["choices"] == [
            {
                "index": 0,
                "delta": {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]},
                "logprobs": None,
                "finish_reason": None,
            }
        ]

    def test_chunks_that_say_nothing_are_dropped(self) -> None:
        assert chunks({"choices": [], "prompt_filter_results": []}) == []

    @pytest.mark.parametrize(
        "event",
        [
            b"nonsense",
            b"[]",
            choice("text"),
            choice({"content": 5}),
            choice({"tool_calls": [{"index": "x"}]}),
            choice({"tool_calls": [{"id": "a"}]}, index=[]),
            choice({}, "bored"),
            {"error": {"message": "sk-upstream", "code": 500}},
            {"choices": [None]},
        ],
    )
    def test_nonsense_is_an_upstream_error(self, event: Any) -> None:
        with pytest.raises(UpstreamError) as caught:
            chunks(event)
        assert "sk-" not in caught.value.message


WHOLE = {
    "id": "chatcmpl-1",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Let me see.",
                "reasoning_content": "The user asks.",
                "refusal": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
                    {"id": "call_2", "type": "custom", "custom": {"name": "g", "input": "raw"}},
                ],
            },
            "logprobs": {"content": [{"token": "Let"}, {"token": " me"}], "refusal": None},
            "finish_reason": "tool_calls",
        },
        {
            "index": 1,
            "message": {"role": "assistant", "content": "No.", "refusal": "No."},
            "finish_reason": "stop",
        },
    ],
    "usage": {
        "prompt_tokens": 5,
        "completion_tokens": 7,
        "total_tokens": 99,
        "completion_tokens_details": {"reasoning_tokens": 3},
    },
    "system_fingerprint": "fp_1",
    "service_tier": "default",
}
STREAMED: list[dict[str, Any]] = [
    choice({"role": "assistant", "content": ""}),
    choice({"reasoning_content": "The user "}),
    choice({"reasoning_content": "asks."}),
    choice({"content": "Let"}, logprobs={"content": [{"token": "Let"}], "refusal": None}),
    choice({"content": " me see."}, logprobs={"content": [{"token": " me"}], "refusal": None}),
    choice({"role": "assistant", "content": "No.", "refusal": "No."}, index=1),
    choice({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f"}}]}),
    choice(
        {"tool_calls": [{"index": 1, "id": "call_2", "type": "custom", "custom": {"name": "g", "input": ""}}]}
    ),
    choice({"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]}),
    choice({"tool_calls": [{"index": 1, "custom": {"input": "raw"}}]}),
    choice({"tool_calls": [{"index": 0, "function": {"arguments": " 1}"}}]}),
    choice({}, "stop", index=1),
    choice({}, "tool_calls"),
    {"choices": [], "usage": WHOLE["usage"]},
]


def test_streamed_and_whole_replies_say_the_same() -> None:
    accumulator = ChatAccumulator()
    head = {name: WHOLE[name] for name in ("id", "created", "system_fingerprint", "service_tier")}
    for chunk in chunks(*({**head, **raw} for raw in STREAMED)):
        accumulator.add(chunk)
    whole = openai.whole_reply(json.dumps(WHOLE).encode(), CALL)
    assert accumulator.whole().model_dump(mode="json") == whole.model_dump(mode="json")
    assert isinstance(whole, ChatCompletion)


def test_ids_and_times_that_are_other_kinds_of_numbers_are_taken() -> None:
    whole = openai.whole_reply(reply(id=7, created=1_700_000_000.25), CALL)
    assert (whole.id, whole.created) == ("7", 1_700_000_000)

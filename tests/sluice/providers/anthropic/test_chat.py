"""Requests and whole replies of the Messages API, and that streams say the same as whole replies."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anthropic_calls import TARGET, USER, added_up, call, chunks_of, events_in, sent, target
from mock_anthropic import EXPLANATION, events, whole
from mock_turns import Call, Count, Turn
from sluice.api.chat_reply import ChatCompletion
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import validate
from sluice.errors import OverloadedError, UnsupportedParameterError, UpstreamError
from sluice.providers.anthropic import FEATURES, chat
from sluice.providers.features import check_supported

RECORDED = Path(__file__).parent / "recorded"
BOTH_WAYS = ("text", "tools", "thinking", "refusal")


class TestRequest:
    def test_goes_to_the_candidates_model(self) -> None:
        request = chat.upstream_request(call())
        assert request.url == "https://api.anthropic.com/v1/messages"
        assert json.loads(request.body) == {
            "model": "claude-sonnet-4-6",
            "max_tokens": 8_000,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        }

    def test_a_stream_is_asked_for(self) -> None:
        assert sent(stream=True)["stream"] is True
        assert "stream" not in sent(stream=False)
        assert chat.upstream_request(call(stream=True)).headers["accept"] == "text/event-stream"

    @pytest.mark.parametrize(
        ("members", "limit"),
        [
            ({}, 8_000),
            ({"max_tokens": 7}, 7),
            ({"max_completion_tokens": 8}, 8),
            ({"max_tokens": 7, "max_completion_tokens": 8}, 8),
        ],
    )
    def test_has_a_limit(self, members: dict[str, Any], limit: int) -> None:
        assert sent(**members)["max_tokens"] == limit

    def test_has_a_limit_where_nobody_tells_one(self) -> None:
        unknown = call().target
        asked = call(to=type(unknown)("anthropic", "https://api.anthropic.com", "claude", "sk"))
        assert json.loads(chat.upstream_request(asked).body)["max_tokens"] == 4096

    def test_says_what_it_is_asked_to_say(self) -> None:
        body = sent(temperature=0.3, top_p=0.5, top_k=5, stop="END", user="u-1", metadata={"a": "b"})
        told = {name: body[name] for name in ("temperature", "top_p", "top_k", "stop_sequences", "metadata")}
        assert told == {
            "temperature": 0.3,
            "top_p": 0.5,
            "top_k": 5,
            "stop_sequences": ["END"],
            "metadata": {"user_id": "u-1"},
        }
        assert sent(stop=["a", "b"])["stop_sequences"] == ["a", "b"]

    def test_numbers_stay_as_they_were_written(self) -> None:
        assert b'"temperature":0,' in chat.upstream_request(call(temperature=0, top_p=0.5)).body

    def test_what_happens_anyway_is_not_said(self) -> None:
        assert not {"temperature", "top_p"} & sent(temperature=1, top_p=1.0).keys()

    def test_all_of_it_can_be_cached(self) -> None:
        assert sent(cache_control={"type": "ephemeral"})["cache_control"] == {"type": "ephemeral"}

    @pytest.mark.parametrize(
        ("members", "param"),
        [
            ({"temperature": 1.1}, "temperature"),
            ({"stop": " "}, "stop"),
            ({"stop": ["a", "\n"]}, "stop"),
            ({"stop": [""]}, "stop"),
            ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, "cache_control.ttl"),
        ],
    )
    def test_values_that_anthropic_does_not_take_are_refused(self, members: Any, param: str) -> None:
        with pytest.raises(UnsupportedParameterError) as caught:
            sent(**members)
        assert caught.value.param == param

    @pytest.mark.parametrize(
        ("members", "param"),
        [
            ({"n": 2}, "n"),
            ({"seed": 1}, "seed"),
            ({"logprobs": True}, "logprobs"),
            ({"logit_bias": {"1": 1}}, "logit_bias"),
            ({"presence_penalty": 1}, "presence_penalty"),
            ({"frequency_penalty": 1}, "frequency_penalty"),
            ({"response_format": {"type": "json_object"}}, "response_format"),
            ({"functions": [{"name": "a"}]}, "functions"),
            ({"service_tier": "priority"}, "service_tier"),
            ({"web_search_options": {"a": 1}}, "web_search_options"),
        ],
    )
    def test_what_has_no_place_is_refused_before_anything_is_held(self, members: Any, param: str) -> None:
        request = validate(ChatCompletionRequest, {"model": "m", "messages": [USER], **members})
        with pytest.raises(UnsupportedParameterError) as caught:
            check_supported(request, FEATURES)
        assert caught.value.param == param

    def test_the_same_conversation_is_the_same_request(self) -> None:
        assert chat.upstream_request(call()).body == chat.upstream_request(call()).body


def reply(**members: Any) -> ChatCompletion:
    raw = json.loads((RECORDED / "text.json").read_bytes())
    return chat.whole_reply(json.dumps(raw | members).encode(), call())


class TestWholeReply:
    @pytest.mark.parametrize("members", [{}, {"input": None}, {"input": {}}])
    def test_a_call_without_arguments_has_none(self, members: Any) -> None:
        block = {"type": "tool_use", "id": "1", "name": "now", **members}
        (call,) = reply(content=[block], stop_reason="tool_use").choices[0].message.tool_calls or []
        assert call.function is not None
        assert call.function.arguments == "{}"

    def test_has_the_name_that_was_asked_for(self) -> None:
        found = reply()
        assert (found.id, found.created, found.model) == (
            "msg_01XFDUDYJgAACzvnptvVoYEL",
            1_700_000_000,
            "asked-for",
        )

    def test_gets_the_members_that_the_schema_requires(self) -> None:
        choice = reply().model_dump(mode="json")["choices"][0]
        assert choice == {
            "index": 0,
            "message": {"role": "assistant", "content": "Grüße! 日本語\u2028 😀", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }

    def test_has_calls(self) -> None:
        found = chat.whole_reply((RECORDED / "tools.json").read_bytes(), call()).choices[0]
        assert found.finish_reason == "tool_calls"
        assert found.message.content == "Okay, let me look it up."
        calls = found.message.tool_calls or []
        assert [(each.id, each.function and each.function.name) for each in calls] == [
            ("toolu_01T1x1fJ34qAmk2tNTrN7Up6", "get_weather"),
            ("toolu_01A09q90qw90lq917835lq9", "get_time"),
        ]
        arguments = [json.loads(each.function.arguments) for each in calls if each.function]
        assert arguments == [{"location": "San Francisco, CA", "unit": "fahrenheit"}, {}]

    def test_has_thoughts(self) -> None:
        found = chat.whole_reply((RECORDED / "thinking.json").read_bytes(), call())
        message = found.choices[0].message
        assert message.reasoning_content is not None
        assert message.reasoning_content.startswith("I need to find the GCD")
        details = message.reasoning_details or []
        assert [(each["type"], each["index"]) for each in details] == [
            ("reasoning.text", 0),
            ("reasoning.encrypted", 1),
        ]
        assert found.usage is not None
        assert found.usage.prompt_tokens == 48 + 1200 + 2048

    def test_says_why_the_model_declines(self) -> None:
        found = chat.whole_reply((RECORDED / "refusal.json").read_bytes(), call()).choices[0]
        assert (found.finish_reason, found.message.refusal) == ("content_filter", EXPLANATION)

    def test_joins_its_texts(self) -> None:
        blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "citations": []}]
        assert reply(content=blocks).choices[0].message.content == "ab"

    def test_may_have_no_id(self) -> None:
        assert {reply(id=given).id for given in (None, "", 7)} == {"chatcmpl-ours"}

    def test_may_say_nothing(self) -> None:
        assert reply(content=[]).choices[0].message.content is None

    @pytest.mark.parametrize(
        ("reason", "finish"),
        [
            ("end_turn", "stop"),
            ("stop_sequence", "stop"),
            ("pause_turn", "stop"),
            ("max_tokens", "length"),
            ("model_context_window_exceeded", "length"),
            ("tool_use", "tool_calls"),
            ("refusal", "content_filter"),
        ],
    )
    def test_ends_for_a_reason(self, reason: str, finish: str) -> None:
        assert reply(stop_reason=reason).choices[0].finish_reason == finish

    @pytest.mark.parametrize(
        "members",
        [
            {"stop_reason": None},
            {"stop_reason": "tired"},
            {"stop_reason": ["end_turn"]},
            {"content": None},
            {"content": ["text"]},
            {"content": [{"type": "text"}]},
            {"content": [{"type": "thinking", "thinking": 7}]},
            {"content": [{"type": "thinking", "thinking": "Hm.", "signature": 7}]},
            {"content": [{"type": "redacted_thinking"}]},
            {"content": [{"type": "telepathy"}]},
            {"content": [{"type": "tool_use", "id": "1", "name": "a", "input": "{}"}]},
            {"usage": {"input_tokens": "many"}},
        ],
    )
    def test_that_makes_no_sense_is_an_error(self, members: dict[str, Any]) -> None:
        with pytest.raises(UpstreamError):
            reply(**members)

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}"])
    def test_that_is_none_is_an_error(self, body: bytes) -> None:
        with pytest.raises(UpstreamError):
            chat.whole_reply(body, call())

    def test_may_be_an_error_in_disguise(self) -> None:
        with pytest.raises(OverloadedError):
            reply(type="error", error={"type": "overloaded_error", "message": "Overloaded"})


def same(one: ChatCompletion, other: ChatCompletion) -> bool:
    """Whether two replies are equal, the white space in arguments aside."""
    return _comparable(one) == _comparable(other)


def _comparable(found: ChatCompletion) -> dict[str, Any]:
    members = found.model_dump(mode="json")
    for each in members["choices"][0]["message"].get("tool_calls", ()):
        each["function"]["arguments"] = json.loads(each["function"]["arguments"])
    return members


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_a_recorded_stream_says_the_same_as_the_whole_reply(name: str) -> None:
    chunks, complete = chunks_of(events_in((RECORDED / f"{name}.sse").read_bytes()))
    assert complete
    assert same(added_up(chunks), chat.whole_reply((RECORDED / f"{name}.json").read_bytes(), call()))


PIECES = st.lists(st.text(max_size=5), max_size=4)
CALLS = st.lists(
    st.builds(
        lambda name, value: Call(name, [text for text in (value[:3], value[3:]) if text]),
        st.sampled_from(["weather", "now"]),
        st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2).map(json.dumps),
    ),
    max_size=3,
)


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    """Anything that a model may say."""
    cached, written = draw(st.integers(0, 50)), draw(st.integers(0, 50))
    prompt = cached + written + draw(st.integers(0, 50))
    return Turn(
        text=draw(PIECES),
        reasoning=draw(PIECES),
        signature=draw(st.sampled_from(["", "c2ln"])),
        calls=draw(CALLS),
        end=draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"])),
        usage=Count(prompt, draw(st.integers(5, 50)), cached, written, draw(st.integers(0, 5))),
    )


@given(turns())
def test_whole_and_streamed_say_the_same(turn: Turn) -> None:
    chunks, complete = chunks_of(events_in(b"".join(events(turn, "claude"))))
    found = chat.whole_reply(whole(turn, "claude"), call())
    assert complete
    assert same(added_up(chunks), found)
    assert found.usage is not None
    assert found.usage.prompt_tokens == turn.usage.prompt
    assert found.choices[0].finish_reason == turn.end
    assert (found.choices[0].message.content or "") == "".join(turn.text)


def test_models_are_told_apart_by_their_capabilities_only() -> None:
    assert sent(target("thinking"), reasoning_effort="low")["thinking"]["type"] == "enabled"
    assert TARGET.capabilities == frozenset()

"""Completions by a chat model: what chat can say is said, what it cannot is refused, and nothing is lost between."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_accumulate import TextAccumulator
from sluice.api.completion_reply import Completion
from sluice.api.completion_request import CompletionRequest
from sluice.errors import UnsupportedParameterError, UpstreamError
from sluice.providers.openai import chat
from sluice.providers.through_chat import ThroughChat
from sluice.wire.events import WireEvent
from text_requests import completion_call

OPERATION = ThroughChat(chat)
MORE_THAN_TEXT = ("functions", "function_call", "modalities", "audio")
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def sent(prompt: Any = "Once upon", operation: ThroughChat = OPERATION, **members: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(operation.upstream_request(completion_call(prompt, **members)).body)
    return found


def refusal(prompt: Any = "Once upon", **members: Any) -> UnsupportedParameterError:
    with pytest.raises(UnsupportedParameterError) as caught:
        sent(prompt, **members)
    assert (caught.value.status, caught.value.code) == (400, "unsupported_parameter")
    return caught.value


class TestRequest:
    def test_the_text_is_a_users_message(self) -> None:
        asked = OPERATION.upstream_request(completion_call())
        assert asked.url == "https://api.example/v1/chat/completions"
        assert json.loads(asked.body) == {
            "model": "upstream-model",
            "messages": [{"role": "user", "content": "Once upon"}],
            "max_tokens": 16,
        }

    def test_one_text_in_a_list_is_one_text(self) -> None:
        assert sent(["Once upon"]) == sent("Once upon")

    @pytest.mark.parametrize(
        "members",
        [
            {"temperature": 0},
            {"temperature": 1.5},
            {"top_p": 0.5},
            {"n": 3},
            {"stop": "x"},
            {"stop": ["x", "y"]},
            {"presence_penalty": 1},
            {"frequency_penalty": -1.5},
            {"logit_bias": {"7": -100}},
            {"seed": 7},
            {"user": "u"},
            {"stream": False},
            {"temperature": None, "stop": None, "n": None, "user": None},
            {"top_k": 5, "min_p": 0.1, "provider": {"order": ["a"]}},
        ],
    )
    def test_what_means_the_same_is_passed_on_as_it_was_written(self, members: dict[str, Any]) -> None:
        assert sent(**members) == sent() | members

    def test_a_stream_is_asked_for_its_usage(self) -> None:
        members: dict[str, Any] = {"stream": True, "stream_options": {"other": 1}}
        assert sent(**members) == sent() | {
            "stream": True,
            "stream_options": {"other": 1, "include_usage": True},
        }

    @pytest.mark.parametrize(("given_", "limit"), [(None, 16), (7, 7)])
    def test_the_limit_goes_by_the_name_that_the_provider_knows(self, given_: int | None, limit: int) -> None:
        assert sent(max_tokens=given_)["max_tokens"] == limit
        body = sent(operation=ThroughChat(chat, "max_completion_tokens"), max_tokens=given_)
        assert body["max_completion_tokens"] == limit
        assert "max_tokens" not in body

    @pytest.mark.parametrize("number", [0, 5])
    def test_logprobs_are_asked_for_in_chats_words(self, number: int) -> None:
        body = sent(logprobs=number)
        assert (body["logprobs"], body["top_logprobs"]) == (True, number)

    @pytest.mark.parametrize(
        "members", [{"logprobs": None}, {"echo": True}, {"echo": False}, {"suffix": ""}, {"suffix": None}]
    )
    def test_what_asks_for_nothing_of_chat_is_not_sent(self, members: dict[str, Any]) -> None:
        assert sent(**members) == sent()

    @pytest.mark.parametrize("members", [{"best_of": 1}, {"best_of": 2, "n": 2}, {"best_of": None, "n": 2}])
    def test_the_best_of_as_many_as_are_returned_is_no_choice(self, members: dict[str, Any]) -> None:
        assert "best_of" not in sent(**members)

    @pytest.mark.parametrize(
        ("prompt", "members", "param"),
        [
            (["a", "b"], {}, "prompt"),
            ([1, 2], {}, "prompt"),
            ([[1, 2]], {}, "prompt"),
            ("a", {"suffix": "z"}, "suffix"),
            ("a", {"best_of": 2}, "best_of"),
            ("a", {"best_of": 3, "n": 2}, "best_of"),
            ("a", {"max_tokens": 0}, "max_tokens"),
            ("a", {"max_tokens": 0, "echo": True}, "max_tokens"),
            ("a", {"echo": True, "logprobs": 0}, "logprobs"),
        ],
    )
    def test_what_chat_cannot_say_is_refused_by_name(
        self, prompt: Any, members: dict[str, Any], param: str
    ) -> None:
        assert refusal(prompt, **members).param == param

    @pytest.mark.parametrize(
        "member",
        [
            *sorted(ChatCompletionRequest.model_fields.keys() - CompletionRequest.model_fields.keys()),
            *MORE_THAN_TEXT,
        ],
    )
    def test_members_of_chat_alone_are_refused_by_name(self, member: str) -> None:
        assert refusal(**{member: [{}]}).param == member

    @pytest.mark.parametrize("member", ["cls", "self", "_fields_set", "model_extra", "model_config"])
    def test_no_name_of_an_unknown_member_is_a_fault_of_ours(self, member: str) -> None:
        members: dict[str, Any] = {member: ["x"]}
        assert sent(**members) == sent() | members

    @given(st.dictionaries(st.text(), st.none() | st.integers() | st.lists(st.text()), max_size=3))
    def test_a_member_that_neither_knows_is_passed_on(self, extra: dict[str, Any]) -> None:
        known = {*CompletionRequest.model_fields, *ChatCompletionRequest.model_fields, *MORE_THAN_TEXT}
        members = {name: value for name, value in extra.items() if name not in known}
        assert sent(**members) == sent() | members


def token(text: str, *tops: str) -> dict[str, Any]:
    return {
        "token": text,
        "logprob": -0.5,
        "bytes": list(text.encode()),
        "top_logprobs": [{"token": top, "logprob": -1.0, "bytes": None} for top in tops],
    }


@dataclass(frozen=True)
class Said:
    """What one choice says, in pieces: each is its member of the message, its text, and logprobs if asked for."""

    pieces: tuple[tuple[str, str], ...]
    finish_reason: str = "stop"
    logprobs: bool = False

    def whole(self, index: int) -> dict[str, Any]:
        """As a choice of a whole reply."""
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
        for member, text in self.pieces:
            message[member] = (message[member] or "") + text
        return {
            "index": index,
            "message": message,
            "logprobs": self._logprobs(*(text for _, text in self.pieces)),
            "finish_reason": self.finish_reason,
        }

    def events(self, index: int) -> list[dict[str, Any]]:
        """As choices of chunks."""
        opening = {"role": "assistant", "content": ""}
        return [
            {"index": index, "delta": opening, "finish_reason": None},
            *(
                {"index": index, "delta": {member: text}, "logprobs": self._logprobs(text)}
                for member, text in self.pieces
            ),
            {"index": index, "delta": {}, "finish_reason": self.finish_reason},
        ]

    def _logprobs(self, *texts: str) -> dict[str, Any] | None:
        return {"content": [token(text, text, "x") for text in texts]} if self.logprobs else None


HEAD = {"id": "chatcmpl-1", "created": 1, "system_fingerprint": "fp", "service_tier": "default"}


def whole(*choices: Said, **members: Any) -> Completion:
    raw = {**HEAD, "choices": [each.whole(index) for index, each in enumerate(choices)], "usage": USAGE}
    return OPERATION.whole_reply(json.dumps(raw).encode(), completion_call(**members))


def streamed(*choices: Said, **members: Any) -> Completion:
    stream, accumulator = OPERATION.reply_stream(completion_call(stream=True, **members)), TextAccumulator()
    events = [
        {**HEAD, "choices": [part]} for index, each in enumerate(choices) for part in each.events(index)
    ]
    for event in (*events, {**HEAD, "choices": [], "usage": USAGE}):
        assert not stream.finished
        for chunk in stream.feed(WireEvent(json.dumps(event).encode())):
            accumulator.add(chunk)
    assert stream.complete
    stream.feed(WireEvent(b"[DONE]"))
    assert stream.finished
    return accumulator.whole()


def content(*texts: str, **members: Any) -> Said:
    return Said(tuple(("content", text) for text in texts), **members)


class TestReply:
    @pytest.mark.parametrize(
        ("choices", "members"),
        [
            ([content("a", " time")], {}),
            ([content("a", " time")], {"echo": True}),
            ([content("a"), content("b", "c", finish_reason="length")], {"n": 2}),
            ([content("a"), content("b", "c", finish_reason="length")], {"n": 2, "echo": True}),
            ([content("a", " time", logprobs=True)], {"logprobs": 2}),
            (
                [content("ü", "日本", "😀", logprobs=True), content("b", logprobs=True)],
                {"logprobs": 2, "n": 2},
            ),
            ([content(finish_reason="content_filter")], {}),
            ([content(finish_reason="content_filter")], {"echo": True}),
            ([Said((("refusal", "I'd "), ("refusal", "rather not.")))], {}),
            ([Said((("content", "Well, "), ("refusal", "no.")))], {"echo": True}),
        ],
    )
    def test_streamed_and_whole_say_the_same(self, choices: list[Said], members: dict[str, Any]) -> None:
        expected = whole(*choices, **members).model_dump(mode="json")
        assert streamed(*choices, **members).model_dump(mode="json") == expected
        said = ["".join(text for _, text in choice.pieces) for choice in choices]
        echo = "Once upon" if members.get("echo") else ""
        assert [choice["text"] for choice in expected["choices"]] == [echo + text for text in said]

    def test_it_is_a_text_completion_in_all_its_members(self) -> None:
        made = whole(content("a", finish_reason="length")).model_dump(mode="json")
        assert made == {
            "id": "chatcmpl-1",
            "object": "text_completion",
            "created": 1,
            "model": "asked-for",
            "choices": [{"index": 0, "text": "a", "logprobs": None, "finish_reason": "length"}],
            "usage": USAGE,
            "system_fingerprint": "fp",
        }

    def test_logprobs_are_four_lists_with_the_places_of_the_tokens(self) -> None:
        for made in (whole, streamed):
            (choice,) = made(content("One", " 日本", "!", logprobs=True), logprobs=2).choices
            assert choice.logprobs == {
                "tokens": ["One", " 日本", "!"],
                "token_logprobs": [-0.5] * 3,
                "top_logprobs": [{text: -1.0, "x": -1.0} for text in ("One", " 日本", "!")],
                "text_offset": [0, 3, 6],
            }

    def test_an_echo_comes_first_in_each_choice_and_once(self) -> None:
        stream = OPERATION.reply_stream(completion_call(stream=True, echo=True, n=2))
        parts = [part for index in (0, 1) for part in content("a", "b").events(index)]
        texts = [
            (choice.index, choice.text)
            for part in parts
            for chunk in stream.feed(WireEvent(json.dumps({**HEAD, "choices": [part]}).encode()))
            for choice in chunk.choices
        ]
        each = ("Once upon", "a", "b", "")
        assert texts == [(index, text) for index in (0, 1) for text in each]

    @pytest.mark.parametrize("reason", ["tool_calls", "function_call"])
    @pytest.mark.parametrize("made", [whole, streamed])
    def test_a_reason_that_completions_have_not_is_an_upstream_error(self, reason: str, made: Any) -> None:
        with pytest.raises(UpstreamError, match=reason):
            made(content("a", finish_reason=reason))

    @pytest.mark.parametrize(
        "logprobs", [{"content": [{}]}, {"content": [{"token": "a", "logprob": "low"}]}, {"content": 7}]
    )
    def test_logprobs_that_are_none_are_an_upstream_error(self, logprobs: Any) -> None:
        choice = {"index": 0, "message": {"content": "a"}, "finish_reason": "stop", "logprobs": logprobs}
        raw = json.dumps({"choices": [choice]}).encode()
        with pytest.raises(UpstreamError, match="malformed"):
            OPERATION.whole_reply(raw, completion_call())

    def test_a_stream_that_breaks_off_is_not_complete(self) -> None:
        stream = OPERATION.reply_stream(completion_call(stream=True))
        for part in content("a").events(0)[:-1]:
            stream.feed(WireEvent(json.dumps({**HEAD, "choices": [part]}).encode()))
        assert not stream.complete
        assert not stream.finished

    def test_it_is_read_as_the_chat_is(self) -> None:
        assert OPERATION.STREAM_CONTENT_TYPE == chat.STREAM_CONTENT_TYPE
        assert type(OPERATION.new_decoder()) is type(chat.new_decoder())

"""OpenAI's text completions, as OpenAI and its imitators write them."""

import json
from typing import Any

import pytest

from sluice.api.completion_accumulate import TextAccumulator
from sluice.api.completion_reply import CompletionChunk
from sluice.api.completion_request import DEFAULT_MAX_TOKENS
from sluice.errors import UpstreamError
from sluice.providers.openai import completions as openai
from sluice.wire.events import WireEvent
from text_requests import completion_call

CALL = completion_call()


def choice(text: Any = "Hi", finish: Any = "stop", **members: Any) -> dict[str, Any]:
    return {"index": 0, "text": text, "finish_reason": finish, **members}


def reply(*choices: Any, **members: Any) -> bytes:
    return json.dumps({"id": "cmpl-1", "created": 1, "model": "m", "choices": choices, **members}).encode()


def chunks(*events: bytes, prompt: Any = "Once upon", **members: Any) -> list[CompletionChunk]:
    stream = openai.reply_stream(completion_call(prompt, **members))
    return [made for event in events for made in stream.feed(WireEvent(event))]


class TestRequest:
    def test_members_are_passed_on_unchanged_for_the_candidates_model(self) -> None:
        members: dict[str, Any] = {
            "prompt": ["a", "b"],
            "suffix": "z",
            "max_tokens": 0,
            "echo": True,
            "n": 2,
            "best_of": 3,
            "logprobs": 0,
            "temperature": None,
            "unknown": {"a": [1, None]},
        }
        sent = openai.upstream_request(completion_call(**members))
        assert sent.url == "https://api.example/v1/completions"
        assert json.loads(sent.body) == {"model": "upstream-model", **members}

    @pytest.mark.parametrize("members", [{}, {"max_tokens": None}])
    def test_a_limit_is_always_sent_since_it_is_what_is_held_for(self, members: dict[str, Any]) -> None:
        sent = openai.upstream_request(completion_call(**members))
        assert json.loads(sent.body)["max_tokens"] == DEFAULT_MAX_TOKENS

    @pytest.mark.parametrize("prompt", [[1, 2], [[1], [2, 3]]])
    def test_tokens_go_as_tokens(self, prompt: Any) -> None:
        assert json.loads(openai.upstream_request(completion_call(prompt)).body)["prompt"] == prompt

    def test_a_stream_is_asked_for_its_usage(self) -> None:
        body = json.loads(openai.upstream_request(completion_call(stream=True)).body)
        assert body["stream_options"] == {"include_usage": True}


class TestWholeReply:
    def test_has_the_name_that_was_asked_for_and_what_the_schema_requires(self) -> None:
        raw = openai.whole_reply(reply({"finish_reason": "eos"}, id=None, created=None), CALL)
        assert raw.model_dump(mode="json") == {
            "id": "cmpl-ours",
            "object": "text_completion",
            "created": 1_700_000_000,
            "model": "asked-for",
            "choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}],
        }

    def test_keeps_members_it_does_not_know(self) -> None:
        made = openai.whole_reply(reply(choice(stop_reason=7), kv=1), CALL).model_dump()
        assert (made["kv"], made["choices"][0]["stop_reason"]) == (1, 7)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            reply(),
            reply(7),
            reply(choice(5)),
            reply(choice(finish=None)),
            reply(choice(finish="bored")),
            reply(choice(finish="tool_calls")),
            reply(choice(logprobs="many")),
            reply(choice(index="x")),
            reply(choice(), usage={"prompt_tokens": "many"}),
            reply(choice(), error={"message": "sk-upstream is no good", "code": "nope"}),
        ],
    )
    def test_nonsense_is_an_upstream_error_that_quotes_nothing(self, body: bytes) -> None:
        with pytest.raises(UpstreamError) as caught:
            openai.whole_reply(body, CALL)
        assert "sk-" not in caught.value.message


class TestStream:
    def test_is_complete_when_each_choice_of_each_prompt_has_ended(self) -> None:
        stream = openai.reply_stream(completion_call(["a", "b"], n=2))
        for index in range(4):
            assert not stream.complete
            stream.feed(WireEvent(reply(choice(index=index))))
        assert stream.complete
        assert not stream.finished

    def test_nothing_is_read_after_done(self) -> None:
        stream = openai.reply_stream(CALL)
        stream.feed(WireEvent(reply(choice())))
        assert list(stream.feed(WireEvent(b" [DONE]"))) == []
        assert stream.finished
        assert stream.complete
        assert list(stream.feed(WireEvent(b"nonsense"))) == []

    def test_done_alone_does_not_make_it_complete(self) -> None:
        stream = openai.reply_stream(CALL)
        stream.feed(WireEvent(reply(choice(finish=None))))
        stream.feed(WireEvent(b"[DONE]"))
        assert not stream.complete

    @pytest.mark.parametrize("finish", [None, ""])
    def test_what_goes_on_has_no_reason_to_end(self, finish: str | None) -> None:
        (made,) = chunks(reply({"text": None, "finish_reason": finish}))
        assert made.model_dump(mode="json")["choices"] == [
            {"index": 0, "text": "", "logprobs": None, "finish_reason": None}
        ]

    def test_chunks_that_say_nothing_are_dropped_but_usage_is_not(self) -> None:
        (made,) = chunks(reply(), reply(usage={"prompt_tokens": 1, "completion_tokens": 2}))
        assert made.usage is not None

    @pytest.mark.parametrize(
        "event",
        [
            b"nonsense",
            b"[]",
            reply(choice(5)),
            reply(choice(finish="bored")),
            reply(choice(finish="tool_calls")),
            reply(None),
            reply(error={"message": "sk-upstream", "code": 500}),
        ],
    )
    def test_nonsense_is_an_upstream_error(self, event: bytes) -> None:
        with pytest.raises(UpstreamError) as caught:
            chunks(event)
        assert "sk-" not in caught.value.message


def logprobs(*tokens: str, at: int = 0) -> dict[str, Any]:
    return {
        "tokens": list(tokens),
        "token_logprobs": [-0.5] * len(tokens),
        "top_logprobs": [{token: -0.5} for token in tokens],
        "text_offset": [at + sum(map(len, tokens[:position])) for position in range(len(tokens))],
    }


def test_streamed_and_whole_replies_say_the_same() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    head = {"system_fingerprint": "fp_1"}
    accumulator = TextAccumulator()
    for chunk in chunks(
        reply(choice("Let", None, logprobs=logprobs("Let")), **head),
        reply(choice("No.", None, index=1), **head),
        reply(choice(" me", None, logprobs=logprobs(" me", at=3)), choice("", "length", index=1), **head),
        reply(choice(" see.", "stop", logprobs=logprobs(" see.", at=6)), **head),
        reply(usage=usage, **head),
        b"[DONE]",
        n=2,
    ):
        accumulator.add(chunk)
    whole = reply(
        choice("Let me see.", logprobs=logprobs("Let", " me", " see.")),
        choice("No.", "length", index=1),
        usage=usage,
        **head,
    )
    expected = openai.whole_reply(whole, CALL).model_dump(mode="json")
    assert accumulator.whole().model_dump(mode="json") == expected

"""The demo model completes texts by saying what it was told, and refuses what it cannot do."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.completion_accumulate import TextAccumulator
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.contract import ProviderCall, Target
from sluice.providers.demo import PROVIDER, completion_answers, completions
from sluice.providers.demo.completion_answers import MAX_CHARACTERS, MAX_EVENTS
from sluice.providers.demo.words import MAX_PROMPT_CHARACTERS, MAX_REPLY_CHARACTERS
from sluice.upstream.client import MAX_REPLY_BYTES
from sluice.wire import sse
from sluice.wire.events import WireEvent
from text_requests import completion_call, completion_request

TARGET = Target("demo", PROVIDER.address or "", "demo", "sk-unused")


def said(prompt: Any = "Hello", **members: Any) -> list[str]:
    asked = completion_request(prompt, **{"max_tokens": 1000, **members})
    return ["".join(tokens) for tokens in completion_answers.answers(asked).tokens]


def test_it_repeats_and_says_that_it_is_no_ai() -> None:
    (text,) = said("Ünïcode — 🦊\u0000")
    assert text.startswith(" This is Sluice's demo model, which is no AI")
    assert text.endswith("You wrote: Ünïcode — 🦊\u0000")


def test_each_prompt_gets_its_answer_and_tokens_are_named() -> None:
    assert [text.rpartition("You wrote: ")[2] for text in said(["a", "b"])] == ["a", "b"]
    assert [text.rpartition("You wrote: ")[2] for text in said([[1, 2], [3]])] == [
        "[tokens 1 2]",
        "[tokens 3]",
    ]


def test_a_suffix_is_told_as_what_follows() -> None:
    assert said("a", suffix="z")[0].endswith("You wrote: a Before: z")


@pytest.mark.parametrize("stop", ["You", ["never", "You"]])
def test_stop_sequences_stop(stop: str | list[str]) -> None:
    assert said("a", stop=stop)[0].endswith("only repeats. ")


@pytest.mark.parametrize(("limit", "tokens"), [(None, 16), (3, 3), (0, 0)])
def test_limits_cut(limit: int | None, tokens: int) -> None:
    answers = completion_answers.answers(completion_request("Hello", max_tokens=limit))
    assert [len(each) for each in answers.tokens] == [tokens]
    assert answers.finish_reasons == ("length",)
    assert answers.usage["completion_tokens"] == tokens


def test_what_its_own_limit_cuts_has_not_stopped() -> None:
    answers = completion_answers.answers(completion_request("x" * MAX_REPLY_CHARACTERS, max_tokens=10**6))
    assert sum(map(len, answers.tokens[0])) == MAX_REPLY_CHARACTERS
    assert answers.finish_reasons == ("length",)


@pytest.mark.parametrize("prompt", [["one two", "three more words"], [[7, 8], [9, 10, 11]]])
@pytest.mark.parametrize(
    ("members", "written"), [({}, 1), ({"n": 2}, 2), ({"best_of": 3}, 3), ({"n": 2, "best_of": 3}, 3)]
)
def test_usage_counts_all_that_is_written_and_the_prompts_once(
    members: dict[str, int], written: int, prompt: Any
) -> None:
    asked = completion_request(prompt, echo=True, max_tokens=4, **members)
    usage = completion_answers.answers(asked).usage
    assert usage == {
        "prompt_tokens": 5,
        "completion_tokens": 2 * 4 * written,
        "total_tokens": 5 + 2 * 4 * written,
    }


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"prompt": ["a, b", "c"], "n": 2, "echo": True},
        {"prompt": [[1, 2], [3]], "max_tokens": 4},
        {"max_tokens": 0, "echo": True},
        {"max_tokens": 0},
        {"prompt": "", "echo": True},
        {"stop": "demo", "suffix": "z"},
    ],
)
def test_streamed_and_whole_say_the_same(members: dict[str, Any]) -> None:
    asked = completion_request(**{"prompt": "a, b and c", **members})
    call = ProviderCall(asked, TARGET, "cmpl-1", 1)
    made = (asked, completion_answers.answers(asked), "cmpl-1", 1)
    whole = completions.whole_reply(completion_answers.reply_body(*made), call)
    stream, accumulator = completions.reply_stream(call), TextAccumulator()
    for event in completion_answers.events(*made):
        for chunk in stream.feed(WireEvent(event)):
            accumulator.add(chunk)
    assert stream.complete
    assert accumulator.whole().model_dump(mode="json") == whole.model_dump(mode="json")
    assert len(whole.choices) == asked.choices
    if asked.echo:
        assert all(
            choice.text.startswith(completion_answers.answers(asked).echoes[choice.index // (asked.n or 1)])
            for choice in whole.choices
        )


@given(st.text(max_size=50), st.integers(0, 40))
def test_an_answer_is_a_beginning_of_the_longer_one(prompt: str, limit: int) -> None:
    (short,), (long,) = said(prompt, max_tokens=limit), said(prompt)
    assert long.startswith(short)


@pytest.mark.parametrize(
    "members",
    [
        {"prompt": "x" * (MAX_PROMPT_CHARACTERS + 1)},
        {"prompt": ["x" * (MAX_PROMPT_CHARACTERS // 2)] * 3},
        {"prompt": [1] * (MAX_PROMPT_CHARACTERS // 2 + 1)},
    ],
    ids=["a text", "texts", "tokens"],
)
def test_more_than_it_reads_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        completions.upstream_request(completion_call(**members))
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "prompt")


@pytest.mark.parametrize(
    "members",
    [
        {"prompt": "x" * MAX_PROMPT_CHARACTERS, "echo": True, "n": 128},
        {"prompt": [""] * 2048, "n": 2},
        {"prompt": "! " * 20_000, "max_tokens": 10**6, "n": 128},
    ],
    ids=["echoes", "choices", "tokens"],
)
def test_more_than_a_reply_can_be_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        completions.upstream_request(completion_call(**members))
    assert (caught.value.status, caught.value.param) == (400, "prompt")


@pytest.mark.parametrize(
    "members",
    [
        {"prompt": "\u0001" * MAX_PROMPT_CHARACTERS, "echo": True, "n": MAX_CHARACTERS // 550_000},
        {"prompt": [""] * 2048, "max_tokens": MAX_EVENTS // 2048 - 2},
        {"prompt": "!" * 40_000, "max_tokens": MAX_EVENTS - 100},
    ],
    ids=["echoes", "choices", "tokens"],
)
def test_the_largest_reply_is_one_that_the_gateway_takes(members: dict[str, Any]) -> None:
    asked = completion_request(**members)
    made = (asked, completion_answers.answers(asked), "cmpl-" + "f" * 32, 1_700_000_000)
    assert len(completion_answers.reply_body(*made)) < MAX_REPLY_BYTES
    assert sum(len(sse.frame(event)) for event in completion_answers.events(*made)) < MAX_REPLY_BYTES


@pytest.mark.parametrize("logprobs", [0, 5])
def test_logprobs_are_refused(logprobs: int) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        completions.upstream_request(completion_call(logprobs=logprobs))
    assert caught.value.param == "logprobs"


def test_no_credential_goes_anywhere() -> None:
    sent = completions.upstream_request(completion_call(to=TARGET))
    assert "authorization" not in sent.headers
    assert sent.url == "demo://localhost/completions"
    assert json.loads(sent.body)["max_tokens"] == 16

"""Chunks of text completions: what stands in them, and when they leave. What chat has beside it is in test_stream."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.completion_accumulate import TextAccumulator
from sluice.api.completion_reply import Completion, CompletionChunk
from sluice.errors import UpstreamError
from sluice.pipeline.chunks import ChunkRenderer

USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
HEAD = {"id": "1", "created": 1, "model": "m"}


def choice(text: str = "", finish: str | None = None, index: int = 0, **members: Any) -> dict[str, Any]:
    return {"index": index, "text": text, "finish_reason": finish, **members}


def chunk(*choices: dict[str, Any], **members: Any) -> CompletionChunk:
    return CompletionChunk.model_validate({**HEAD, "choices": choices, **members})


def renderer(*, include_usage: bool = False) -> ChunkRenderer[CompletionChunk, Completion]:
    return ChunkRenderer(TextAccumulator(), request_hash="f" * 64, include_usage=include_usage)


def render(*chunks: CompletionChunk, include_usage: bool = False) -> list[list[dict[str, Any]]]:
    """What leaves after each chunk, and at the end."""
    made = renderer(include_usage=include_usage)
    batches = [[json.loads(data) for data in made.feed(each)] for each in chunks]
    return [*batches, [json.loads(data) for data in made.end()]]


def said(batch: list[dict[str, Any]]) -> list[list[tuple[int, str, str | None]]]:
    return [
        [(part["index"], part["text"], part["finish_reason"]) for part in each["choices"]] for each in batch
    ]


def test_each_chunk_leaves_at_once_and_the_finish_reason_when_the_next_event_is_known() -> None:
    batches = render(chunk(choice("a")), chunk(choice("b")), chunk(choice("", "stop")), chunk(usage=USAGE))
    assert list(map(said, batches)) == [[[(0, "a", None)]], [[(0, "b", None)]], [], [], [[(0, "", "stop")]]]


def test_text_does_not_wait_with_its_finish_reason() -> None:
    batches = render(chunk(choice("all of it", "length", logprobs={"tokens": ["all of it"]})))
    assert list(map(said, batches)) == [[[(0, "all of it", None)]], [[(0, "", "length")]]]
    assert batches[0][0]["choices"][0]["logprobs"] == {"tokens": ["all of it"]}
    assert batches[1][0]["choices"][0]["logprobs"] is None


def test_one_choice_ends_while_another_goes_on() -> None:
    batches = render(
        chunk(choice("a"), choice("b", index=1)),
        chunk(choice("c", "stop"), choice("d", index=1)),
        chunk(choice("e", index=1)),
        chunk(choice("", "length", 1)),
    )
    assert list(map(said, batches)) == [
        [[(0, "a", None), (1, "b", None)]],
        [[(0, "c", None), (1, "d", None)]],
        [[(0, "", "stop")], [(1, "e", None)]],
        [],
        [[(1, "", "length")]],
    ]


@pytest.mark.parametrize("include_usage", [False, True])
def test_usage_has_a_chunk_of_its_own_if_asked_for(*, include_usage: bool) -> None:
    batches = render(chunk(choice("a", "stop", 0), usage=USAGE), include_usage=include_usage)
    sent = [each for batch in batches for each in batch]
    if include_usage:
        assert [(len(each["choices"]), each["usage"]) for each in sent] == [(1, None), (1, None), (0, USAGE)]
    else:
        assert all("usage" not in each for each in sent)


@pytest.mark.parametrize("include_usage", [False, True])
def test_the_hashes_stand_in_the_last_chunk_and_hash_what_the_chunks_add_up_to(
    *, include_usage: bool
) -> None:
    batches = render(
        chunk(choice("a")),
        chunk(choice("b")),
        chunk(choice("", "stop")),
        chunk(usage=USAGE),
        include_usage=include_usage,
    )
    *others, last = [each for batch in batches for each in batch]
    assert all("requestHash" not in each and "responseHash" not in each for each in others)
    whole: dict[str, Any] = {
        **HEAD,
        "object": "text_completion",
        "choices": [choice("ab", "stop", logprobs=None)],
        **({"usage": USAGE} if include_usage else {}),
    }
    assert last["requestHash"] == "f" * 64
    assert last["responseHash"] == hashlib.sha256(rfc8785.dumps(whole)).hexdigest()


def test_a_late_mention_of_an_ended_choice_is_dropped_but_its_usage_counts() -> None:
    made = renderer(include_usage=True)
    for each in (chunk(choice("a", "stop")), chunk(choice(), usage=USAGE)):
        list(made.feed(each))
    (ending, usage) = [json.loads(data) for data in made.end()]
    assert said([ending]) == [[(0, "", "stop")]]
    assert usage["usage"] == USAGE
    assert made.usage is not None


def test_logprobs_alone_say_something() -> None:
    late = chunk(choice(logprobs={"tokens": ["a"]}))
    batches = render(chunk(choice("a", "stop")), late)
    assert said(batches[1]) == [[(0, "", "stop")], [(0, "", None)]]


def test_what_has_come_is_known_before_the_end_and_is_nothing_at_first() -> None:
    made = renderer()
    assert made.received() is None
    list(made.feed(chunk(choice("a"))))
    received = made.received()
    assert received is not None
    assert received.choices[0].text == "a"
    assert made.response_hash is None


def test_a_stream_without_a_chunk_has_no_end() -> None:
    with pytest.raises(ValueError, match="no chunk"):
        list(renderer().end())


def test_a_number_that_cannot_be_hashed_is_the_providers_fault() -> None:
    made = renderer()
    list(made.feed(chunk(choice("a", logprobs={"odd": 10**400}))))
    with pytest.raises(UpstreamError):
        list(made.end())


@given(
    st.lists(st.tuples(st.integers(0, 1), st.text(max_size=3), st.sampled_from([None, "stop"])), min_size=1)
)
def test_no_order_of_chunks_loses_text_and_no_choice_ends_before_its_text(
    pieces: list[tuple[int, str, str | None]],
) -> None:
    batches = render(*(chunk(choice(text, finish, index)) for index, text, finish in pieces))
    sent = [part for batch in batches for each in said(batch) for part in each]
    for index in {index for index, _, _ in pieces}:
        assert "".join(text for at, text, _ in sent if at == index) == "".join(
            text for at, text, _ in pieces if at == index
        )
        ends = [reason for at, _, reason in sent if at == index and reason]
        assert bool(ends) == any(finish for at, _, finish in pieces if at == index)

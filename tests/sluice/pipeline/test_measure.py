"""What a request is charged for: the provider's word, unless what was received belies it."""

from typing import Any

import pytest

from sluice.accounting.costs import TokenCount
from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_accumulate import TextAccumulator
from sluice.api.completion_reply import Completion, CompletionChunk
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingList
from sluice.catalog import ModelRow
from sluice.errors import UpstreamError
from sluice.observability import RequestRecord
from sluice.pipeline.chat import Chat
from sluice.pipeline.chunks import ChunkRenderer
from sluice.pipeline.completions import Completions
from sluice.pipeline.embeddings import Embeddings
from sluice.pipeline.measure import Meter
from text_requests import completion_request, embeddings_request

ROW = ModelRow.model_validate(
    {
        "id": "one",
        "candidates": [{"provider": "far", "model": "up"}],
        "price": {"input": "1", "output": "2"},
    }
)
REQUEST = ChatCompletionRequest.model_validate(
    {"model": "one", "messages": [{"role": "user", "content": "Tell me."}], "stream": True}
)
type ChatMeter = Meter[ChatCompletionRequest, ChatCompletion]

SAID = "word " * 40
ESTIMATED = 50


@pytest.fixture
def meter() -> ChatMeter:
    record = RequestRecord("req_1", "POST", "/v1/chat/completions")
    return Meter(Chat(), REQUEST, TokenCount(1000, 1000), ROW, "far", "hash", record)


def chunk(**members: Any) -> ChatCompletionChunk:
    return ChatCompletionChunk.model_validate(
        {"id": "1", "created": 1, "model": "one", "choices": [], **members}
    )


def streamed(
    usage: dict[str, int] | None, *, ends: bool
) -> ChunkRenderer[ChatCompletionChunk, ChatCompletion]:
    """A stream that said something, with the usage that came with it."""
    renderer = ChunkRenderer(ChatAccumulator(), request_hash="hash", include_usage=False)
    told = None if usage is None else {**usage, "total_tokens": sum(usage.values())}
    pieces = [chunk(choices=[{"index": 0, "delta": {"content": SAID}}], usage=told)]
    if ends:
        pieces.append(chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]))
    for piece in pieces:
        list(renderer.feed(piece))
    if ends:
        list(renderer.end())
    return renderer


def test_the_provider_s_word_counts_at_the_end(meter: ChatMeter) -> None:
    outcome = meter.streamed(streamed({"prompt_tokens": 9, "completion_tokens": 7}, ends=True))
    assert (outcome.status, outcome.tokens, outcome.estimated) == ("complete", TokenCount(9, 7), False)
    assert outcome.cost == 9 * 1000 + 7 * 2000
    assert (meter.record.prompt_tokens, meter.record.completion_tokens, meter.record.cost) == (
        9,
        7,
        outcome.cost,
    )


@pytest.mark.parametrize(
    ("usage", "ends"),
    [
        (None, True),
        ({"prompt_tokens": 0, "completion_tokens": 0}, True),
        ({"prompt_tokens": 0, "completion_tokens": 1}, False),
        (None, False),
    ],
)
def test_where_it_counts_nothing_or_too_early_what_was_received_counts(
    meter: ChatMeter, usage: dict[str, int] | None, ends: bool
) -> None:
    outcome = meter.streamed(streamed(usage, ends=ends))
    assert outcome.tokens.completion == ESTIMATED
    assert outcome.tokens.prompt > 0
    assert outcome.estimated


def test_a_word_before_the_end_that_is_more_than_what_was_received_counts_too(meter: ChatMeter) -> None:
    outcome = meter.streamed(streamed({"prompt_tokens": 9, "completion_tokens": 300}, ends=False))
    assert (outcome.tokens, outcome.estimated) == (TokenCount(9, 300), True)


def test_who_broke_it_off_is_told(meter: ChatMeter) -> None:
    assert meter.streamed(streamed(None, ends=False)).status == "cancelled"
    meter.record.failed(UpstreamError("broken"))
    assert meter.streamed(streamed(None, ends=False)).status == "broken"


def test_a_stream_that_said_nothing_yet_is_charged_for_its_prompt(meter: ChatMeter) -> None:
    outcome = meter.streamed(ChunkRenderer(ChatAccumulator(), request_hash="hash", include_usage=False))
    assert outcome.tokens.prompt > 0
    assert outcome.tokens.completion == 0


def test_an_answer_of_nothing_costs_its_prompt(meter: ChatMeter) -> None:
    reply = ChatCompletion.model_validate(
        {
            "id": "1",
            "created": 1,
            "model": "one",
            "choices": [{"index": 0, "message": {"content": ""}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9},
        }
    )
    outcome = meter.whole(reply, "hash")
    assert (outcome.tokens, outcome.estimated) == (TokenCount(9, 0), False)


def embedded(usage: dict[str, int] | None) -> TokenCount:
    """What is charged for two texts of four tokens."""
    reply = EmbeddingList.model_validate({"data": [], "model": "m", "usage": usage})
    record = RequestRecord("req_1", "POST", "/v1/embeddings")
    row = ROW.model_copy(update={"kind": "embedding"})
    request = embeddings_request(["four", "four more to go"])
    outcome = Meter(Embeddings(), request, TokenCount(1000, 0), row, "far", "hash", record).whole(
        reply, "hash"
    )
    assert outcome.estimated is (usage is None)
    assert (outcome.status, outcome.streamed, outcome.cost) == (
        "complete",
        False,
        outcome.tokens.prompt * 1000,
    )
    assert (record.prompt_tokens, record.completion_tokens, record.cost) == (
        outcome.tokens.prompt,
        0,
        outcome.cost,
    )
    return outcome.tokens


def test_of_embeddings_no_completion_tokens_are_the_whole_truth() -> None:
    assert embedded({"prompt_tokens": 9, "total_tokens": 9}) == TokenCount(9, 0)
    assert embedded({"prompt_tokens": 2, "total_tokens": 2}) == TokenCount(2, 0)
    assert embedded(None) == TokenCount(1 + 4, 0)


type TextMeter = Meter[CompletionRequest, Completion]


def text_meter(**members: Any) -> TextMeter:
    record = RequestRecord("req_1", "POST", "/v1/completions")
    request = completion_request("Tell me.", **members)
    most = TokenCount(1000, request.choices * request.output_tokens)
    return Meter(Completions(), request, most, ROW, "far", "hash", record)


def completion(text: str, usage: dict[str, int] | None) -> dict[str, Any]:
    told = None if usage is None else {**usage, "total_tokens": sum(usage.values())}
    choice = {"index": 0, "text": text, "finish_reason": "length"}
    return {"id": "1", "created": 1, "model": "one", "choices": [choice], "usage": told}


@pytest.mark.parametrize(
    ("members", "text", "usage", "tokens", "estimated"),
    [
        ({}, "word", {"prompt_tokens": 3, "completion_tokens": 4}, TokenCount(3, 4), False),
        (
            {"max_tokens": 0, "echo": True},
            "Tell me.",
            {"prompt_tokens": 3, "completion_tokens": 0},
            TokenCount(3, 0),
            False,
        ),
        ({"max_tokens": 0, "echo": True}, "Tell me.", None, TokenCount(2, 0), True),
        (
            {"echo": True},
            "Tell me. Word",
            {"prompt_tokens": 3, "completion_tokens": 0},
            TokenCount(3, 2),
            True,
        ),
        ({}, SAID, {"prompt_tokens": 0, "completion_tokens": 0}, TokenCount(2, 16), True),
        ({"max_tokens": 99}, SAID, None, TokenCount(2, ESTIMATED), True),
    ],
)
def test_a_text_is_charged_alike_whole_and_streamed(
    members: dict[str, Any], text: str, usage: dict[str, int] | None, tokens: TokenCount, *, estimated: bool
) -> None:
    raw = completion(text, usage)
    whole = text_meter(**members).whole(Completion.model_validate(raw), "hash")
    renderer = ChunkRenderer(TextAccumulator(), request_hash="hash", include_usage=False)
    list(renderer.feed(CompletionChunk.model_validate(raw)))
    list(renderer.end())
    stream = text_meter(stream=True, **members).streamed(renderer)
    assert (whole.tokens, whole.estimated) == (stream.tokens, stream.estimated) == (tokens, estimated)
    assert (whole.streamed, stream.streamed) == (False, True)

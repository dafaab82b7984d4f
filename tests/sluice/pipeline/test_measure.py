"""What a request is charged for: the provider's word, unless what was received belies it."""

from typing import Any

import pytest

from sluice.accounting.costs import TokenCount
from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.catalog import ModelRow
from sluice.errors import UpstreamError
from sluice.observability import RequestRecord
from sluice.pipeline.chat import Chat
from sluice.pipeline.chunks import ChunkRenderer
from sluice.pipeline.measure import Meter

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

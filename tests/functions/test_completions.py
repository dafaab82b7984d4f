"""The completions function as Lambda runs it: behind the streaming runtime, fed with the sample events."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sluice.local.stack import Stack
from sluice.stores.access import Endpoint
from streamed_functions import StreamedFunction, running_function, sample_events


@pytest.fixture
async def completions(tmp_path: Path, stack: tuple[Endpoint, Stack]) -> AsyncIterator[StreamedFunction]:
    async with running_function("completions", tmp_path, *stack) as function:
        yield function


async def test_a_stream_leaves_in_pieces_and_ends_well(completions: StreamedFunction) -> None:
    call = await completions.answered("stream")
    assert call.prelude["statusCode"] == 200
    assert call.prelude["headers"]["content-type"].startswith("text/event-stream")
    assert len(call.chunks) > 10
    *events, last, done, rest = call.body.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in (*events, last)]
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
    assert chunks[-1]["usage"]["completion_tokens"] > 0
    assert len(chunks[-1]["responseHash"]) == 64


async def test_a_whole_reply_has_the_streamed_form_too(completions: StreamedFunction) -> None:
    call = await completions.answered("whole")
    body = json.loads(call.body)
    assert call.streamed
    assert (call.prelude["statusCode"], body["object"]) == (200, "text_completion")
    assert "demo model" in body["choices"][0]["text"]
    assert call.prelude["headers"]["x-request-id"].startswith("req_")


async def test_each_prompt_of_tokens_has_its_choice(completions: StreamedFunction) -> None:
    body = json.loads((await completions.answered("tokens")).body)
    assert [(each["index"], each["finish_reason"]) for each in body["choices"]] == [
        (0, "length"),
        (1, "length"),
    ]
    assert body["usage"] == {"prompt_tokens": 3, "completion_tokens": 16, "total_tokens": 19}


async def test_every_sample_event_is_used() -> None:
    assert sample_events("completions") == {"stream", "whole", "tokens"}

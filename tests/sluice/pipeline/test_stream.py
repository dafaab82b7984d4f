"""Frames for the client: forwarded at once, ended honestly."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
import rfc8785

from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletionChunk
from sluice.errors import UpstreamError
from sluice.observability import RequestRecord
from sluice.pipeline.chunks import ChunkRenderer
from sluice.pipeline.stream import Pace, frames
from sluice.wire.sse import Frame

USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def chunk(
    delta: dict[str, Any] | None = None, finish: str | None = None, **members: Any
) -> ChatCompletionChunk:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return ChatCompletionChunk.model_validate(
        {"id": "1", "created": 1, "model": "m", "choices": choices, **members}
    )


def render(*chunks: ChatCompletionChunk, include_usage: bool = False) -> list[list[dict[str, Any]]]:
    """What leaves after each chunk, and at the end."""
    renderer = ChunkRenderer(ChatAccumulator(), request_hash="f" * 64, include_usage=include_usage)
    batches = [[json.loads(data) for data in renderer.feed(each)] for each in chunks]
    return [*batches, [json.loads(data) for data in renderer.end()]]


def deltas(batch: list[dict[str, Any]]) -> list[Any]:
    return [
        (each["choices"][0]["delta"], each["choices"][0]["finish_reason"])
        for each in batch
        if each["choices"]
    ]


def test_each_chunk_leaves_at_once_and_the_finish_reason_when_the_next_event_is_known() -> None:
    batches = render(chunk({"content": "a"}), chunk({"content": "b"}), chunk({}, "stop"), chunk(usage=USAGE))
    assert list(map(deltas, batches)) == [
        [({"role": "assistant", "content": "a"}, None)],
        [({"content": "b"}, None)],
        [],
        [],
        [({}, "stop")],
    ]


def test_text_does_not_wait_with_its_finish_reason() -> None:
    batches = render(chunk({"content": "all of it"}, "stop"))
    assert list(map(deltas, batches)) == [
        [({"role": "assistant", "content": "all of it"}, None)],
        [({}, "stop")],
    ]


def test_the_role_stands_in_the_first_chunk_of_each_choice_only() -> None:
    def both(text: str) -> ChatCompletionChunk:
        choices = [{"index": index, "delta": {"role": "assistant", "content": text}} for index in (0, 1)]
        return chunk(choices=choices)

    def end(index: int) -> ChatCompletionChunk:
        return chunk(choices=[{"index": index, "delta": {}, "finish_reason": "stop"}])

    batches = render(both("a"), both("b"), end(1), end(0))
    roles = [
        [choice["delta"].get("role") for choice in each["choices"]] for batch in batches for each in batch
    ]
    assert roles == [["assistant", "assistant"], [None, None], [None], [None]]
    assert [choice["index"] for batch in batches[2:] for each in batch for choice in each["choices"]] == [
        1,
        0,
    ]


def test_usage_is_withheld_unless_asked_for() -> None:
    plain = [
        each
        for batch in render(chunk({"content": "a"}), chunk({}, "stop"), chunk(usage=USAGE))
        for each in batch
    ]
    assert all("usage" not in each for each in plain)
    asked = [
        each
        for batch in render(
            chunk({"content": "a"}), chunk({}, "stop"), chunk(usage=USAGE), include_usage=True
        )
        for each in batch
    ]
    assert [each["usage"] for each in asked] == [None, None, USAGE]
    assert asked[-1]["choices"] == []


def test_usage_that_comes_with_the_last_choice_gets_a_chunk_of_its_own() -> None:
    asked = [
        each
        for batch in render(chunk({"content": "a"}, "stop", usage=USAGE), include_usage=True)
        for each in batch
    ]
    assert [(len(each["choices"]), each["usage"]) for each in asked] == [(1, None), (1, None), (0, USAGE)]


@pytest.mark.parametrize("include_usage", [False, True])
def test_the_hashes_stand_in_the_last_chunk_and_hash_what_the_chunks_add_up_to(include_usage: bool) -> None:
    sent = [
        each
        for batch in render(
            chunk({"content": "a"}),
            chunk({"content": "b"}),
            chunk({}, "stop"),
            chunk(usage=USAGE),
            include_usage=include_usage,
        )
        for each in batch
    ]
    assert [("requestHash" in each, "responseHash" in each) for each in sent[:-1]] == [(False, False)] * (
        len(sent) - 1
    )
    assert sent[-1]["requestHash"] == "f" * 64
    completion: dict[str, Any] = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "ab", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
    }
    if include_usage:
        completion["usage"] = USAGE
    assert sent[-1]["responseHash"] == hashlib.sha256(rfc8785.dumps(completion)).hexdigest()


class Provider:
    """Chunks that a test hands out one by one."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[ChatCompletionChunk | Exception | None] = asyncio.Queue()
        self.asked = asyncio.Event()
        self.closed = False
        self.record = RequestRecord("req_test", "POST", "/")

    async def chunks(self) -> AsyncIterator[ChatCompletionChunk]:
        self.asked.set()
        try:
            while (item := await self.queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.closed = True

    def frames(self, *, seconds: float = 30, keep_alive_seconds: float = 30) -> AsyncIterator[Frame]:
        renderer = ChunkRenderer(ChatAccumulator(), request_hash="f" * 64, include_usage=False)
        deadline = asyncio.get_running_loop().time() + seconds
        return frames(self.chunks(), renderer, Pace(deadline, keep_alive_seconds), self.record)

    def say(self, *items: ChatCompletionChunk | Exception | None) -> None:
        for item in items:
            self.queue.put_nowait(item)


async def all_of(source: AsyncIterator[Frame]) -> list[Frame]:
    return [frame async for frame in source]


def error_of(frame: Frame) -> Any:
    assert frame.last
    return json.loads(frame.data.removeprefix(b"data: "))["error"]


async def test_the_first_frame_leaves_before_the_second_chunk_exists() -> None:
    provider = Provider()
    provider.say(chunk({"content": "a"}))
    source = provider.frames()
    assert b'"content":"a"' in (await anext(source)).data
    provider.say(chunk({}, "stop"), None)
    (last,) = await all_of(source)
    assert last.last
    assert last.data.endswith(b"\n\ndata: [DONE]\n\n")


async def test_silence_is_filled_with_comments() -> None:
    provider = Provider()
    source = provider.frames(keep_alive_seconds=0.001)
    assert [(await anext(source)).data for _ in range(3)] == [b": keep-alive\n\n"] * 3
    provider.say(chunk({}, "stop"), None)
    assert (await all_of(source))[-1].data.endswith(b"[DONE]\n\n")


async def test_a_failure_is_one_error_line_and_no_done() -> None:
    provider = Provider()
    provider.say(chunk({"content": "a"}), UpstreamError("The connection to the provider broke."))
    first, last = await all_of(provider.frames())
    assert not first.last
    assert error_of(last) == {
        "message": "The connection to the provider broke.",
        "type": "server_error",
        "param": None,
        "code": "upstream_error",
    }
    assert b"[DONE]" not in last.data


async def test_a_finish_reason_is_withheld_when_the_stream_fails_after_it() -> None:
    provider = Provider()
    provider.say(chunk({}, "stop"), UpstreamError("cut"))
    sent = await all_of(provider.frames())
    assert not any(b"stop" in frame.data for frame in sent)
    assert error_of(sent[-1])["code"] == "upstream_error"


async def test_a_fault_of_ours_tells_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    provider = Provider()
    provider.say(chunk({"content": "a"}), KeyError("sk-secret"))
    *_, last = await all_of(provider.frames())
    assert error_of(last)["type"] == "server_error"
    assert b"sk-secret" not in last.data


async def test_the_deadline_ends_a_stream_that_hangs_and_closes_the_provider() -> None:
    provider = Provider()
    provider.say(chunk({"content": "a"}))
    *_, last = await all_of(provider.frames(seconds=0.01))
    assert error_of(last)["code"] == "upstream_timeout"
    assert error_of(last)["type"] == "timeout_error"
    assert provider.closed


async def test_who_stops_waiting_closes_the_provider() -> None:
    provider = Provider()
    source = provider.frames()
    waiting = asyncio.ensure_future(anext(source))
    await provider.asked.wait()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    assert provider.closed


def test_no_order_of_chunks_loses_text() -> None:
    def said(batches: Iterable[list[dict[str, Any]]]) -> str:
        return "".join(
            each["choices"][0]["delta"].get("content", "")
            for batch in batches
            for each in batch
            if each["choices"]
        )

    assert (
        said(
            render(
                chunk({"content": "a"}), chunk({"content": "b"}, "length"), chunk({"content": "c"}, "stop")
            )
        )
        == "abc"
    )


def test_what_a_host_adds_to_its_finish_is_passed_on() -> None:
    choices = [
        {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop", "content_filter_results": {"ok": 1}}
    ]
    sent = [each for batch in render(chunk(choices=choices)) for each in batch]
    assert sent[-1]["choices"][0]["content_filter_results"] == {"ok": 1}


def test_a_late_mention_of_an_ended_choice_is_dropped() -> None:
    """Azure's last chunk, with its late filter results."""
    late = chunk({"content": ""}, content_filter_results={})
    sent = [each for batch in render(chunk({"content": "a"}), chunk({}, "stop"), late) for each in batch]
    assert deltas(sent) == [({"role": "assistant", "content": "a"}, None), ({}, "stop")]
    assert "responseHash" in sent[-1]


def test_usage_in_a_late_mention_is_counted() -> None:
    late = chunk({}, usage=USAGE)
    sent = [
        each
        for batch in render(chunk({"content": "a"}), chunk({}, "stop"), late, include_usage=True)
        for each in batch
    ]
    assert [each["usage"] for each in sent] == [None, None, USAGE]
    assert deltas(sent)[-1] == ({}, "stop")


def test_text_after_the_finish_reason_is_no_failure() -> None:
    sent = [each for batch in render(chunk({}, "stop"), chunk({"content": "PS"})) for each in batch]
    assert "responseHash" in sent[-1]
    assert sent[-1]["choices"] == []


async def test_a_failure_is_taken_down_for_the_log() -> None:
    provider = Provider()
    provider.say(chunk({"content": "a"}), UpstreamError("cut"))
    await all_of(provider.frames())
    assert provider.record.error == "upstream_error"

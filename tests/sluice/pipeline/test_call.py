"""One call to a provider, whole and streamed: complete, in time, and released whatever ends it."""

import asyncio
import json
from typing import Any

import pytest

from fake_upstream import FakeUpstream
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import validate
from sluice.errors import OverloadedError, SluiceError, UpstreamError, UpstreamTimeoutError
from sluice.pipeline.call import MAX_LIST_BYTES, listed_models, streamed_reply, whole_reply
from sluice.providers.contract import ProviderCall, Target
from sluice.providers.openai import PROVIDER, chat, models

CHOICE = {"index": 0, "delta": {"content": "a"}, "finish_reason": None}
TEXT = b"data: " + json.dumps({"id": "1", "created": 1, "choices": [CHOICE]}).encode() + b"\n\n"
STOP = (
    b"data: "
    + json.dumps(
        {"id": "1", "created": 1, "choices": [{**CHOICE, "delta": {}, "finish_reason": "stop"}]}
    ).encode()
    + b"\n\n"
)
DONE = b"data: [DONE]\n\n"
WHOLE = json.dumps(
    {"id": "1", "created": 1, "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
).encode()


def call(**members: Any) -> ProviderCall[ChatCompletionRequest]:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members}
    return ProviderCall(validate(ChatCompletionRequest, body), Target("p", "http://p", "m"), "chatcmpl-1", 1)


def soon(seconds: float = 30) -> float:
    return asyncio.get_running_loop().time() + seconds


async def streamed(upstream: FakeUpstream, seconds: float = 30) -> list[str | None]:
    async with streamed_reply(upstream, PROVIDER, chat, call(stream=True), soon(seconds)) as chunks:
        return [chunk.choices[0].delta.content async for chunk in chunks]


async def test_a_stream_that_says_all_ends_well() -> None:
    upstream = FakeUpstream(TEXT, TEXT + STOP[:20], STOP[20:] + DONE)
    assert await streamed(upstream) == ["a", "a", None]
    assert upstream.released
    assert json.loads(upstream.requests[0].body)["stream"] is True


@pytest.mark.parametrize(
    "parts",
    [(), (TEXT,), (TEXT, DONE), (b"",), (b": ping\n\n",), (DONE,), (TEXT, b"data: {bad\n\n"), (STOP[:-10],)],
    ids=[
        "nothing",
        "no end",
        "done alone",
        "empty",
        "comment",
        "only done",
        "malformed",
        "cut in the last event",
    ],
)
async def test_a_stream_that_does_not_say_all_fails(parts: tuple[bytes, ...]) -> None:
    upstream = FakeUpstream(*parts)
    with pytest.raises(UpstreamError):
        await streamed(upstream)
    assert upstream.released


async def test_a_stream_without_done_is_whole_when_its_choice_has_ended() -> None:
    assert await streamed(FakeUpstream(TEXT, STOP)) == ["a", None]


@pytest.mark.parametrize("content_type", ["text/html", "application/json", ""])
async def test_what_is_no_stream_is_refused(content_type: str) -> None:
    with pytest.raises(UpstreamError, match="did not answer with a stream"):
        await streamed(FakeUpstream(TEXT, STOP, DONE, content_type=content_type))


async def test_what_is_no_stream_may_report_why() -> None:
    error = b'{"error": {"type": "rate_limit_error", "message": "slow"}}'
    with pytest.raises(OverloadedError):
        await streamed(FakeUpstream(error, content_type="application/json"))
    quota = b'{"error": {"code": "insufficient_quota"}}'
    with pytest.raises(UpstreamError) as caught:
        await streamed(FakeUpstream(quota, content_type="application/json"))
    assert caught.value.retriable is False


@pytest.mark.parametrize("stream", [True, False])
async def test_a_failure_is_told_with_its_status(stream: bool) -> None:
    upstream = FakeUpstream(b"{}", status=429, content_type="application/json")
    with pytest.raises(OverloadedError) as caught:
        if stream:
            await streamed(upstream)
        else:
            await whole_reply(upstream, PROVIDER, chat, call(), soon())
    assert caught.value.upstream_status == 429
    assert upstream.released


@pytest.mark.parametrize("stream", [True, False])
async def test_a_provider_that_hangs_is_left_at_the_deadline(stream: bool) -> None:
    upstream = FakeUpstream(None, status=500 if stream else 200)
    with pytest.raises(UpstreamTimeoutError):
        if stream:
            await streamed(upstream, seconds=0.01)
        else:
            await whole_reply(upstream, PROVIDER, chat, call(), soon(0.01))
    assert upstream.released


async def test_a_whole_reply_is_translated() -> None:
    completion = await whole_reply(FakeUpstream(WHOLE), PROVIDER, chat, call(), soon())
    assert completion.choices[0].message.content == "a"


async def test_a_broken_connection_is_the_streams_failure() -> None:
    upstream = FakeUpstream(TEXT, UpstreamError("cut"))
    with pytest.raises(SluiceError, match="cut"):
        await streamed(upstream)
    assert upstream.released


async def test_who_leaves_a_stream_releases_it() -> None:
    upstream = FakeUpstream(TEXT, None)
    async with streamed_reply(upstream, PROVIDER, chat, call(stream=True), soon()) as chunks:
        await anext(chunks)
        assert not upstream.released
    assert upstream.released


async def test_a_refused_credential_is_the_operators_to_see(caplog: pytest.LogCaptureFixture) -> None:
    upstream = FakeUpstream(b'{"error": {"message": "bad key sk-upstream"}}', status=401)
    with caplog.at_level("ERROR", logger="sluice"), pytest.raises(UpstreamError):
        await whole_reply(upstream, PROVIDER, chat, call(), soon())
    (entry,) = caplog.records
    assert entry.getMessage() == "provider p refuses the gateway's account: status 401"


async def test_a_list_that_never_ends_is_left_before_it_fills_the_memory() -> None:
    part = b" " * (MAX_LIST_BYTES // 2)
    fits = FakeUpstream(part, b'{"data": []}')
    assert await listed_models(fits, PROVIDER, models, call().target, soon()) == ()
    endless = FakeUpstream(part, part, b" ", AssertionError("it reads on"))
    with pytest.raises(UpstreamError, match="too large"):
        await listed_models(endless, PROVIDER, models, call().target, soon())
    assert endless.released

"""Streams as bytes and in time, with no client's decoder between."""

import json
from typing import Any

import httpx
import pytest

from chat_bodies import chat_body
from event_stream import DONE, KEEP_ALIVE, arriving_frames, chunks_of, frames_of
from mock_completions import TEXT, tokens_of
from mock_provider import Case, MockProvider
from openai_schemas import check_chunk

PATH = "/v1/chat/completions"


def content_of(frame: bytes) -> str:
    event: dict[str, Any] = json.loads(frame.removeprefix(b"data: "))
    return "".join(choice["delta"].get("content") or "" for choice in event["choices"])


def test_headers_and_framing(http: httpx.Client, case: Case) -> None:
    reply = http.post(PATH, json=chat_body(case, stream=True))
    assert reply.status_code == 200
    assert reply.headers["content-type"].partition(";")[0] == "text/event-stream"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-request-id"]
    assert "content-length" not in reply.headers
    assert not {"set-cookie", "openai-organization"} & set(reply.headers)
    for chunk in chunks_of(reply.content):
        check_chunk(chunk)
        assert "error" not in chunk


@pytest.mark.parametrize("framing", ["framed_fields", "framed_comments", "framed_crlf"])
def test_no_framing_of_the_providers_leaks_through(
    http: httpx.Client, provider: MockProvider, framing: str
) -> None:
    reply = http.post(PATH, json=chat_body(provider.case(framing), stream=True))
    chunks_of(reply.content)
    assert b"PROCESSING" not in reply.content


@pytest.mark.parametrize("include_usage", [True, False])
def test_the_usage_member(http: httpx.Client, case: Case, include_usage: bool) -> None:
    options = {"include_usage": include_usage}
    *others, last = chunks_of(
        http.post(PATH, json=chat_body(case, stream=True, stream_options=options)).content
    )
    if include_usage:
        assert last["choices"] == []
        assert last["usage"]["total_tokens"] > 0
        assert [chunk["usage"] for chunk in others] == [None] * len(others)
    else:
        assert not any("usage" in chunk for chunk in (*others, last))


def test_each_token_passes_before_the_next_one_exists(http: httpx.Client, provider: MockProvider) -> None:
    case = provider.case("stepped")
    with http.stream("POST", PATH, json=chat_body(case, stream=True)) as reply:
        frames = (frame for frame in arriving_frames(reply) if not frame.startswith(KEEP_ALIVE))
        assert content_of(next(frames)) == "", "the role"
        for token in tokens_of(TEXT):
            # The provider writes the next event only after the release.
            assert content_of(next(frames)) == token
            case.release()
        case.release(3)
        rest = list(frames)
    assert rest[-1] == DONE
    assert case.arrived().answered.wait(10)


def test_silence_is_filled_with_comments(http: httpx.Client, provider: MockProvider) -> None:
    case = provider.case("stalled")
    with http.stream("POST", PATH, json=chat_body(case, stream=True)) as reply:
        frames = arriving_frames(reply)
        seen: list[bytes] = []
        while seen.count(b": keep-alive") < 2:
            seen.append(next(frames))
        case.release()
        seen += frames
    chunks = chunks_of(b"".join(frame + b"\n\n" for frame in seen))
    assert (
        "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
        == TEXT
    )


def test_the_status_waits_for_the_first_event(http: httpx.Client, provider: MockProvider) -> None:
    """A good status line from the provider is no promise yet; and comments need a status line before them."""
    case = provider.case("headers_then_held")
    case.release()
    reply = http.post(PATH, json=chat_body(case, stream=True))
    assert reply.status_code == 200
    assert frames_of(reply.content)[-1] == DONE

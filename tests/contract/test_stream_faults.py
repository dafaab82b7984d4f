"""Failures after the first byte: told in the stream, and never a stream that looks complete."""

import json
import threading

import httpx
import openai
import pytest

from chat_bodies import MESSAGES, MODEL, chat_body
from event_stream import DONE, KEEP_ALIVE, arriving_frames, frames_of
from mock_completions import TEXT
from mock_provider import Case, MockProvider
from openai_schemas import check_error

PATH = "/v1/chat/completions"

BROKEN = [
    "cut",
    "cut_in_an_event",
    "reset",
    "ended_early",
    "ended_in_an_event",
    "done_without_finish",
    "malformed_event",
    "invalid_utf8_event",
    "error_event",
    "error_event_then_done",
]


def let_it_break(case: Case) -> None:
    """Only ``reset`` waits: for its first tokens to be read, because a reset throws away what is on its way."""
    case.release()


@pytest.mark.parametrize("behaviour", BROKEN)
def test_the_official_client_raises(client: openai.OpenAI, provider: MockProvider, behaviour: str) -> None:
    case = provider.case(behaviour)
    said = ""
    with pytest.raises(openai.APIError) as caught:
        stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user, stream=True)
        for chunk in stream:
            said += chunk.choices[0].delta.content or ""
            let_it_break(case)
    assert not isinstance(caught.value, openai.APIStatusError), "it began well, so it is no error of HTTP's"
    assert TEXT.startswith(said)
    assert said
    assert said != TEXT


@pytest.mark.parametrize("behaviour", BROKEN)
async def test_the_asynchronous_client_raises(
    aclient: openai.AsyncOpenAI, provider: MockProvider, behaviour: str
) -> None:
    case = provider.case(behaviour)
    with pytest.raises(openai.APIError):
        stream = await aclient.chat.completions.create(
            model=MODEL, messages=MESSAGES, user=case.user, stream=True
        )
        async for _ in stream:
            let_it_break(case)


@pytest.mark.parametrize("behaviour", BROKEN)
def test_the_last_line_is_the_error(http: httpx.Client, provider: MockProvider, behaviour: str) -> None:
    case = provider.case(behaviour)
    with http.stream("POST", PATH, json=chat_body(case, stream=True)) as reply:
        body = b""
        for data in reply.iter_raw():
            body += data
            let_it_break(case)
    assert reply.status_code == 200
    *good, last = [frame for frame in frames_of(body) if not frame.startswith(KEEP_ALIVE)]
    error = json.loads(last.removeprefix(b"data: "))
    check_error(error)
    assert (error["error"]["type"], error["error"]["code"]) == ("server_error", "upstream_error")
    assert good
    for frame in good:
        chunk = json.loads(frame.removeprefix(b"data: "))
        assert "error" not in chunk
        assert chunk["choices"][0]["finish_reason"] is None, "no made-up finish"
        assert "responseHash" not in chunk
    assert DONE not in body
    assert case.arrived().answered.wait(10) or case.arrived().client_left.is_set()


def test_a_stall_ends_at_the_deadline(http: httpx.Client, provider: MockProvider) -> None:
    case = provider.case("stalled")
    reply = http.post(PATH, json=chat_body(case, stream=True))
    frames = frames_of(reply.content)
    error = json.loads(frames[-1].removeprefix(b"data: "))
    check_error(error)
    assert (error["error"]["type"], error["error"]["code"]) == ("timeout_error", "upstream_timeout")
    assert b": keep-alive" in frames
    assert DONE not in frames
    assert case.arrived().client_left.wait(10)


def test_a_stall_raises_in_the_official_client(client: openai.OpenAI, provider: MockProvider) -> None:
    stream = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, user=provider.case("stalled").user, stream=True
    )
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert caught.value.code == "upstream_timeout"


def test_broken_streams_beside_good_ones(http: httpx.Client, provider: MockProvider) -> None:
    """On one event loop a failure must stay with its own request."""
    cases = [provider.case(behaviour) for behaviour in ("ok", "ended_early") * 8]
    ends: dict[str, bytes] = {}

    def read(case: Case) -> None:
        with http.stream("POST", PATH, json=chat_body(case, stream=True)) as reply:
            *_, ends[case.user] = arriving_frames(reply)

    threads = [threading.Thread(target=read, args=(case,)) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {user for user, end in ends.items() if end == DONE} == {case.user for case in cases[::2]}
    assert len(ends) == len(cases)

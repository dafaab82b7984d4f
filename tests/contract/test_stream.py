"""Streams as the official clients see them."""

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from chat_bodies import MESSAGES, MODEL, chat_body
from event_stream import chunks_of
from mock_completions import REFUSAL, TEXT
from mock_framings import FRAMINGS
from mock_provider import Case, MockProvider
from openai_schemas import check_chunk
from sdk_clients import Traffic, sync_client


def text_of(chunks: list[ChatCompletionChunk], index: int = 0) -> str:
    parts = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
    return "".join(part.delta.content or "" for part in parts)


def check_order(chunks: list[ChatCompletionChunk]) -> None:
    """The role first and once, the finish reason last and once, one id throughout."""
    for chunk in chunks:
        check_chunk(chunk.to_dict())
    parts = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert parts[0].delta.role == "assistant"
    assert [part.delta.role for part in parts[1:]] == [None] * (len(parts) - 1)
    assert [part.finish_reason is not None for part in parts] == [False] * (len(parts) - 1) + [True]
    assert {(chunk.id, chunk.object, chunk.created) for chunk in chunks} == {
        (chunks[0].id, "chat.completion.chunk", chunks[0].created)
    }


def test_a_stream(base_url: str, key: str, case: Case, traffic: Traffic) -> None:
    with sync_client(base_url, key, traffic) as client:
        stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user, stream=True)
        chunks = list(stream)
    check_order(chunks)
    assert text_of(chunks) == TEXT
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.model for chunk in chunks} == {MODEL}
    assert stream.response.headers["x-request-id"]
    assert len(case.requests) == 1


async def test_a_stream_for_the_asynchronous_client(aclient: openai.AsyncOpenAI, case: Case) -> None:
    stream = await aclient.chat.completions.create(
        model=MODEL, messages=MESSAGES, user=case.user, stream=True
    )
    chunks = [chunk async for chunk in stream]
    check_order(chunks)
    assert text_of(chunks) == TEXT


async def test_the_stream_helper(aclient: openai.AsyncOpenAI, case: Case) -> None:
    async with aclient.chat.completions.stream(model=MODEL, messages=MESSAGES, user=case.user) as stream:
        kinds = [event.type async for event in stream]
        reply = await stream.get_final_completion()
    assert kinds.count("content.done") == 1
    assert reply.choices[0].message.content == TEXT
    assert reply.choices[0].message.role == "assistant"


def test_usage_comes_in_a_chunk_of_its_own(client: openai.OpenAI, case: Case) -> None:
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=MESSAGES,
            user=case.user,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    check_order(chunks)
    *others, last = chunks
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 0
    assert all("usage" in chunk.to_dict() and chunk.usage is None for chunk in others)


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": False}}])
def test_without_asking_there_is_no_usage(
    client: openai.OpenAI, case: Case, options: dict[str, dict[str, bool]]
) -> None:
    body = chat_body(case, stream=True, **options)
    with client.chat.completions.with_streaming_response.create(**body) as reply:
        chunks = chunks_of(reply.read())
    assert all(chunk["choices"] for chunk in chunks)
    assert not any(chunk.get("usage") for chunk in chunks)


def test_usage_is_the_same_whole_and_streamed(client: openai.OpenAI, case: Case) -> None:
    whole = client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user)
    *_, last = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, user=case.user, stream=True, stream_options={"include_usage": True}
    )
    assert whole.usage == last.usage


def test_several_choices(client: openai.OpenAI, case: Case) -> None:
    chunks = list(
        client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user, stream=True, n=3)
    )
    for index in range(3):
        assert text_of(chunks, index) == TEXT
        parts = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
        assert [part.delta.role for part in parts] == ["assistant"] + [None] * (len(parts) - 1)
        assert [part.finish_reason for part in parts] == [None] * (len(parts) - 1) + ["stop"]


def test_a_refusal(client: openai.OpenAI, provider: MockProvider) -> None:
    user = provider.case("refusal").user
    chunks = list(client.chat.completions.create(model=MODEL, messages=MESSAGES, user=user, stream=True))
    check_order(chunks)
    refusals = [choice.delta.refusal or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(refusals) == REFUSAL


@pytest.mark.parametrize("framing", sorted(FRAMINGS))
def test_however_the_provider_frames_its_events(
    client: openai.OpenAI, provider: MockProvider, framing: str
) -> None:
    user = provider.case(framing).user
    chunks = list(client.chat.completions.create(model=MODEL, messages=MESSAGES, user=user, stream=True))
    check_order(chunks)
    assert text_of(chunks) == TEXT

"""When the client goes away, the provider's work stops: nobody pays for what nobody reads."""

import asyncio

import anyio.to_thread
import httpx
import openai
import pytest

from chat_bodies import MESSAGES, MODEL, chat_body
from gateway_process import TIMEOUT_SECONDS
from mock_provider import Case, MockProvider

AT_ONCE = TIMEOUT_SECONDS / 2
"""Less than any deadline of the gateway's own, which would close the connection too."""


def check_abandoned(case: Case) -> None:
    received = case.arrived()
    assert received.client_left.wait(AT_ONCE)
    assert not received.answered.is_set()


def test_in_the_middle_of_a_stream(client: openai.OpenAI, provider: MockProvider) -> None:
    case = provider.case("stalled")
    stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user, stream=True)
    next(stream)
    assert not case.arrived().client_left.is_set()
    stream.close()
    check_abandoned(case)


async def test_in_the_middle_of_an_asynchronous_stream(
    aclient: openai.AsyncOpenAI, provider: MockProvider
) -> None:
    case = provider.case("stalled")
    async with await aclient.chat.completions.create(
        model=MODEL, messages=MESSAGES, user=case.user, stream=True
    ) as stream:
        await anext(aiter(stream))
    await anyio.to_thread.run_sync(check_abandoned, case)


@pytest.mark.parametrize("stream", [False, True])
async def test_before_the_first_byte(
    aclient: openai.AsyncOpenAI, provider: MockProvider, stream: bool
) -> None:
    case = provider.case("held")
    asking = asyncio.ensure_future(
        aclient.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user, stream=stream)
    )
    await anyio.to_thread.run_sync(case.arrived)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await anyio.to_thread.run_sync(check_abandoned, case)


async def test_between_the_providers_status_and_its_first_event(
    aclient: openai.AsyncOpenAI, provider: MockProvider
) -> None:
    case = provider.case("headers_then_held")
    asking = asyncio.ensure_future(
        aclient.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user, stream=True)
    )
    await anyio.to_thread.run_sync(case.arrived)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await anyio.to_thread.run_sync(check_abandoned, case)


def test_others_go_on(http: httpx.Client, client: openai.OpenAI, provider: MockProvider) -> None:
    gone, staying = provider.case("stalled"), provider.case("stalled")
    with http.stream("POST", "/v1/chat/completions", json=chat_body(staying, stream=True)) as reply:
        stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, user=gone.user, stream=True)
        next(stream)
        stream.close()
        check_abandoned(gone)
        staying.arrived()
        staying.release()
        assert reply.read().endswith(b"data: [DONE]\n\n")
    assert staying.arrived().answered.wait(10)

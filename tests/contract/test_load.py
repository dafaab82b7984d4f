"""Many at once, and none of them waiting for the network's politeness."""

import asyncio
import statistics
import time

import anyio.to_thread
import httpx
import openai

from chat_bodies import MESSAGES, MODEL
from mock_completions import TEXT
from mock_provider import Case, MockProvider

MANY = 100
ACKNOWLEDGEMENT_SECONDS = 0.04
"""How long a kernel holds an acknowledgement back, and with it whatever a sender without TCP_NODELAY still has."""


def test_no_reply_waits_for_an_acknowledgement(http: httpx.Client) -> None:
    """Of both functions, where they need not ask the emulated AWS, which takes its time.

    The median counts, so that a busy machine does not fail this, and not the first request of a connection. The
    kernel acknowledges at once while a connection is young, so the fastest would hide a delay.
    """
    for method, path, status in (("GET", "/health", 200), ("POST", "/v1/chat/completions", 401)):
        took = []
        for _ in range(20):
            started = time.perf_counter()
            reply = http.request(method, path, headers={"authorization": "none"})
            took.append(time.perf_counter() - started)
            assert reply.status_code == status
        assert statistics.median(took[1:]) < ACKNOWLEDGEMENT_SECONDS / 2, took


async def test_many_streams_at_once(aclient: openai.AsyncOpenAI, provider: MockProvider) -> None:
    cases = [provider.case("stalled") for _ in range(MANY)]

    async def read(case: Case) -> str:
        stream = await aclient.chat.completions.create(
            model=MODEL, messages=MESSAGES, user=case.user, stream=True
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    reading = asyncio.gather(*map(read, cases))
    for case in cases:
        await anyio.to_thread.run_sync(case.arrived)
    # All have begun, none could end: they are open at the same time.
    for case in cases:
        assert not case.arrived().answered.is_set()
        case.release()
    assert await reading == [TEXT] * MANY

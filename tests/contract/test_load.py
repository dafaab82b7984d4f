"""Many at once, and none of them waiting for the network's politeness."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio.to_thread
import httpx
import openai
import pytest

from chat_bodies import MESSAGES, MODEL
from gateway_process import GatewayProcess
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


@pytest.fixture
async def patient(provider: MockProvider, tmp_path: Path) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client at a gateway that gives streams all the time that a busy machine needs."""
    settings = {"SLUICE_STREAM_TIMEOUT_SECONDS": "60"}
    with GatewayProcess(tmp_path, provider.url, provider.credential, settings=settings) as gateway:
        key = str(gateway.create_key("--plan", "enterprise")["key"])
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0) as client:
            yield client


async def test_many_streams_at_once(patient: openai.AsyncOpenAI, provider: MockProvider) -> None:
    cases = [provider.case("stalled") for _ in range(MANY)]

    async def read(case: Case) -> str:
        stream = await patient.chat.completions.create(
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

"""Limits and budgets as the official clients meet them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import openai
import pytest

from chat_bodies import MESSAGES, MODEL
from gateway_process import GatewayProcess
from mock_provider import MockProvider
from sdk_clients import Traffic, sync_client

A_HUNDREDTH = "0.01"
NEARLY_NOTHING = "0.000001"


@contextmanager
def client_with(
    gateway: GatewayProcess, traffic: Traffic, *options: str, max_retries: int = 0
) -> Iterator[openai.OpenAI]:
    """A client with a key of its own."""
    secret = str(gateway.create_key(*options)["key"])
    with sync_client(f"{gateway.url}/v1", secret, traffic, max_retries=max_retries) as client:
        yield client


def headers(traffic: Traffic) -> httpx.Headers:
    return httpx.Headers(traffic.last.headers.multi_items())


def test_a_limit_of_requests_is_a_rate_limit_error_that_says_when(
    gateway: GatewayProcess, provider: MockProvider, traffic: Traffic
) -> None:
    case = provider.case()
    with client_with(gateway, traffic, "--rpm", "2") as client:
        for left in ("1", "0"):
            client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user)
            assert headers(traffic)["x-ratelimit-remaining-rpm"] == left
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user)
    assert (caught.value.type, caught.value.code) == ("rate_limit_error", "rate_limit_exceeded")
    told = headers(traffic)
    assert 60 < int(told["retry-after"]) <= 68
    assert int(told["retry-after-ms"]) <= int(told["retry-after"]) * 1000
    assert "x-should-retry" not in told
    assert len(case.requests) == 2


def test_every_reply_tells_what_is_left(
    gateway: GatewayProcess, provider: MockProvider, traffic: Traffic
) -> None:
    case = provider.case()
    with client_with(gateway, traffic, "--plan", "rocket-pro", "--tpd", "500000") as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user, max_tokens=100)
        told = headers(traffic)
        assert (told["x-ratelimit-limit-rpm"], told["x-ratelimit-limit-requests"]) == ("80", "80")
        assert told["x-ratelimit-remaining-rpm"] == told["x-ratelimit-remaining-requests"] == "79"
        assert (told["x-ratelimit-limit-tpm"], told["x-ratelimit-limit-tokens"]) == ("60000", "60000")
        assert told["x-ratelimit-limit-tpd"] == "500000"
        assert 0 < int(told["x-ratelimit-remaining-tpd"]) < 500_000
        assert told["x-ratelimit-reset-requests"].endswith("s")
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="no such model", messages=MESSAGES)
        assert headers(traffic)["x-ratelimit-remaining-rpm"] == "79"


def test_a_client_that_sets_no_limit_gets_what_its_budget_pays_for(
    gateway: GatewayProcess, provider: MockProvider, traffic: Traffic
) -> None:
    case = provider.case()
    with client_with(gateway, traffic, "--budget", "0.002") as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user)
    told = int(headers(traffic)["x-sluice-max-tokens"])
    assert case.requests[0].json["max_tokens"] == told
    assert 1000 < told < 3334  # what 0.002 USD are in output tokens, the prompt's bound left out


def test_what_a_key_spends_is_in_its_usage_and_equals_its_counter(
    gateway: GatewayProcess, provider: MockProvider, traffic: Traffic
) -> None:
    record = gateway.create_key("--budget", A_HUNDREDTH)
    good, broken = provider.case(), provider.case("server_error")
    with sync_client(f"{gateway.url}/v1", str(record["key"]), traffic) as client:
        usage = client.chat.completions.create(
            model=MODEL, messages=MESSAGES, user=good.user, max_tokens=500
        ).usage
        for chunk in client.chat.completions.create(
            model=MODEL, messages=MESSAGES, user=good.user, max_tokens=500, stream=True
        ):
            assert chunk.id
        with pytest.raises(openai.APIStatusError):
            client.chat.completions.create(model=MODEL, messages=MESSAGES, user=broken.user, max_tokens=500)
    assert usage is not None
    (spent,) = gateway.usage("--key", str(record["id"]), until=lambda rows: rows and rows[0]["requests"] == 2)
    assert spent["model"] == MODEL
    assert (spent["prompt_tokens"], spent["completion_tokens"]) == (
        2 * usage.prompt_tokens,
        2 * usage.completion_tokens,
    )
    proof = gateway.sluice("reconcile", "--key", str(record["id"]))
    assert (proof["keys"], proof["equal"], proof["different"]) == (1, 1, [])


def test_all_keys_of_the_session_reconcile(gateway: GatewayProcess) -> None:
    proof = gateway.sluice("reconcile")
    assert json.dumps(proof["different"]) == "[]"
    assert proof["keys"] >= 1

"""Money, limits and Idempotency-Keys of text completions and embeddings: the same as those of chat."""

import itertools
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import openai
import pytest

from gateway_process import BOTH_WAYS, GatewayProcess
from mock_provider import EMBEDDING_MODEL, GUARD_SECONDS, TEXT_MODEL, Case, MockProvider
from openai_schemas import check_error
from sdk_clients import Traffic, sync_client
from text_bodies import completion_body, embeddings_body

Body = Callable[..., dict[str, Any]]
ENDPOINTS: list[tuple[str, Body]] = [
    ("/v1/completions", completion_body),
    ("/v1/embeddings", embeddings_body),
]

_numbers = itertools.count()


@pytest.fixture
def once() -> dict[str, str]:
    """The header of a key that nobody has used."""
    return {"Idempotency-Key": f"other-{next(_numbers)}"}


def nano_usd(row: dict[str, Any]) -> Decimal:
    return Decimal(row["cost"]) * 10**9


def test_each_request_is_billed_once(
    gateway: GatewayProcess, provider: MockProvider, traffic: Traffic
) -> None:
    """By the provider's count and the catalogue's prices, whole and streamed; what failed costs nothing."""
    record = gateway.create_key("--budget", "1")
    case, broken = provider.case(), provider.case("server_error")
    counted = {"metadata": {"prompt_tokens": 3, "completion_tokens": 5}}
    with sync_client(f"{gateway.url}/v1", str(record["key"]), traffic) as client:
        for stream in (False, True):
            reply = client.completions.create(
                model=TEXT_MODEL, prompt="Hello", user=case.user, stream=stream, extra_body=counted
            )
            if isinstance(reply, openai.Stream):
                assert list(reply)
        client.embeddings.create(
            model=EMBEDDING_MODEL, input=["Hello", "Bye"], user=case.user, extra_body=counted
        )
        with pytest.raises(openai.APIStatusError):
            client.completions.create(model=TEXT_MODEL, prompt="Hello", user=broken.user)
        with pytest.raises(openai.APIStatusError):
            client.embeddings.create(model=EMBEDDING_MODEL, input="Hello", user=broken.user)
    key_id = str(record["id"])
    rows = gateway.usage("--key", key_id, until=lambda rows: sum(row["requests"] for row in rows) == 3)
    spent = {row["model"]: row for row in rows}
    assert set(spent) == {TEXT_MODEL, EMBEDDING_MODEL}
    completions, embeddings = spent[TEXT_MODEL], spent[EMBEDDING_MODEL]
    assert (completions["requests"], completions["prompt_tokens"], completions["completion_tokens"]) == (
        2,
        2 * 3,
        2 * 5,
    )
    assert nano_usd(completions) == 2 * (3 * 1_500 + 5 * 2_000)
    assert (embeddings["requests"], embeddings["prompt_tokens"], embeddings["completion_tokens"]) == (1, 3, 0)
    assert nano_usd(embeddings) == 3 * 20
    proof = gateway.sluice("reconcile", "--key", key_id)
    assert (proof["keys"], proof["equal"], proof["different"]) == (1, 1, [])


@pytest.mark.parametrize(("path", "body"), ENDPOINTS)
def test_a_budget_that_cannot_pay(
    gateway: GatewayProcess, http: httpx.Client, case: Case, path: str, body: Body
) -> None:
    secret = gateway.create_key("--budget", "0.000000001")["key"]
    reply = http.post(path, json=body(case), headers={"authorization": f"Bearer {secret}"})
    check_error(reply.json())
    assert (reply.status_code, reply.json()["error"]["code"]) == (402, "budget_exceeded")
    assert reply.headers["x-should-retry"] == "false"
    assert case.requests == []


@pytest.mark.parametrize(("path", "body"), ENDPOINTS)
def test_a_limit_of_requests(
    gateway: GatewayProcess, http: httpx.Client, case: Case, path: str, body: Body
) -> None:
    authorization = {"authorization": f"Bearer {gateway.create_key('--rpm', '1')['key']}"}
    first = http.post(path, json=body(case), headers=authorization)
    assert (first.status_code, first.headers["x-ratelimit-remaining-rpm"]) == (200, "0")
    second = http.post(path, json=body(case), headers=authorization)
    check_error(second.json())
    assert (second.status_code, second.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert int(second.headers["retry-after"]) > 0
    assert len(case.requests) == 1


@pytest.mark.parametrize(
    ("path", "body", "members"),
    [
        ("/v1/completions", completion_body, {"max_tokens": 4000}),
        ("/v1/embeddings", embeddings_body, {"input": "word " * 5000}),
    ],
)
def test_what_can_never_fit(
    gateway: GatewayProcess, http: httpx.Client, case: Case, path: str, body: Body, members: dict[str, Any]
) -> None:
    secret = gateway.create_key("--tpm", "500")["key"]
    reply = http.post(path, json=body(case, **members), headers={"authorization": f"Bearer {secret}"})
    check_error(reply.json())
    assert (reply.status_code, reply.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert reply.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(("path", "body"), ENDPOINTS)
def test_a_key_for_another_model(
    gateway: GatewayProcess, http: httpx.Client, case: Case, path: str, body: Body
) -> None:
    secret = gateway.create_key("--models", "gpt-4o")["key"]
    reply = http.post(path, json=body(case), headers={"authorization": f"Bearer {secret}"})
    check_error(reply.json())
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "model_not_allowed")
    assert http.post(path, json=body(case), headers={"authorization": "Bearer sk-no"}).status_code == 401
    assert case.requests == []


@pytest.mark.parametrize(
    ("path", "body", "members"),
    [
        ("/v1/completions", completion_body, {}),
        ("/v1/completions", completion_body, {"stream": True}),
        ("/v1/embeddings", embeddings_body, {}),
    ],
)
def test_the_same_request_gets_the_same_bytes_and_the_provider_is_asked_once(
    http: httpx.Client, case: Case, once: dict[str, str], path: str, body: Body, members: dict[str, Any]
) -> None:
    first = http.post(path, json=body(case, **members), headers=once)
    assert first.status_code == 200
    deadline = time.monotonic() + GUARD_SECONDS
    while (again := http.post(path, json=body(case, **members), headers=once)).status_code == 409:
        assert time.monotonic() < deadline
    assert again.status_code == 200
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert len(case.requests) == 1
    other = http.post(path, json=body(case, **members, dimensions=3), headers=once)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")


def test_one_endpoints_reply_is_no_others(http: httpx.Client, case: Case, once: dict[str, str]) -> None:
    """Although the body is the same, and both endpoints take it."""
    body = completion_body(case, model=BOTH_WAYS, messages=[{"role": "user", "content": "Say hello"}])
    assert http.post("/v1/chat/completions", json=body, headers=once).status_code == 200
    reply = http.post("/v1/completions", json=body, headers=once)
    check_error(reply.json())
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert len(case.requests) == 1

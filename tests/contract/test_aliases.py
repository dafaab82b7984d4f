"""The four addresses of chat completions, and what two of them fill in."""

import uuid

import httpx
import openai
import pytest

from chat_bodies import MESSAGES, MODEL, chat_body
from event_stream import chunks_of
from gateway_process import GatewayProcess
from mock_completions import TEXT
from mock_provider import Case, MockProvider
from openai_schemas import check_chunk, check_completion

PATHS = ["/v1/chat/completions", "/v1/chat", "/api/v1/chat/completions", "/api/v1/chat"]


@pytest.mark.parametrize("path", PATHS)
def test_all_answer_alike(http: httpx.Client, case: Case, path: str) -> None:
    reply = http.post(path, json=chat_body(case))
    assert reply.status_code == 200, reply.text
    check_completion(reply.json())
    assert reply.json()["choices"][0]["message"]["content"] == TEXT
    stream = http.post(path, json=chat_body(case, stream=True))
    for chunk in chunks_of(stream.content):
        check_chunk(chunk)


@pytest.mark.parametrize("path", ["/api/v1/chat/completions", "/api/v1/chat"])
def test_defaults_under_api(http: httpx.Client, provider: MockProvider, path: str) -> None:
    text = str(uuid.uuid4())
    reply = http.post(path, json={"messages": [{"role": "user", "content": text}]})
    assert reply.status_code == 200, reply.text
    (arrived,) = provider.containing(text)
    assert arrived.json["model"] == "gemini-2.5-flash"
    assert arrived.json["max_tokens"] == 4096
    assert reply.json()["model"] == "gemini-2.5-flash"


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_a_limit_of_the_clients_own_counts(http: httpx.Client, case: Case, limit: str) -> None:
    assert http.post("/api/v1/chat", json=chat_body(case, **{limit: 5})).status_code == 200
    arrived = case.arrived().json
    assert {
        name: arrived.get(name) for name in ("max_tokens", "max_completion_tokens") if name in arrived
    } == {limit: 5}
    assert arrived["model"] == MODEL


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/chat"])
def test_no_defaults_elsewhere(http: httpx.Client, case: Case, path: str) -> None:
    assert http.post(path, json=chat_body(case)).status_code == 200
    assert "max_tokens" not in case.arrived().json
    reply = http.post(path, json={"messages": MESSAGES})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "model"


def test_health_needs_no_key(gateway: GatewayProcess) -> None:
    reply = httpx.get(f"{gateway.url}/health", trust_env=False)
    assert reply.status_code == 200
    assert reply.headers["x-request-id"]
    assert isinstance(reply.json(), dict)


def test_a_query_string_does_no_harm(client: openai.OpenAI, case: Case) -> None:
    """Azure's clients add one."""
    reply = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, user=case.user, extra_query={"api-version": "2024-10-21"}
    )
    assert reply.choices[0].message.content == TEXT

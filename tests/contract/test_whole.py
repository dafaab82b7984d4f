"""Whole replies through the gateway: OpenAI's completion, to the letter of its schema."""

import openai
import pytest

from chat_bodies import MESSAGES, MODEL
from mock_completions import FINGERPRINT, REFUSAL, TEXT
from mock_provider import Case, MockProvider
from openai_schemas import check_completion
from sdk_clients import Traffic, sync_client


def test_a_completion(base_url: str, key: str, case: Case, traffic: Traffic) -> None:
    with sync_client(base_url, key, traffic) as client:
        reply = client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user)
    check_completion(traffic.last.json())
    assert reply.object == "chat.completion"
    assert reply.model == MODEL
    assert reply.choices[0].message.role == "assistant"
    assert reply.choices[0].message.content == TEXT
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    assert reply.system_fingerprint == FINGERPRINT
    assert reply.service_tier == "default"
    assert reply._request_id
    assert len(case.requests) == 1


async def test_a_completion_for_the_asynchronous_client(
    aclient: openai.AsyncOpenAI, case: Case, traffic: Traffic
) -> None:
    reply = await aclient.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user)
    check_completion(traffic.last.json())
    assert reply.choices[0].message.content == TEXT


def test_each_reply_has_its_own_request_id(client: openai.OpenAI, case: Case) -> None:
    replies = [
        client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user) for _ in range(3)
    ]
    assert len({reply._request_id for reply in replies}) == 3


def test_the_operators_headers_stay_with_the_operator(
    client: openai.OpenAI, case: Case, traffic: Traffic
) -> None:
    client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user)
    headers = traffic.last.headers
    assert headers["content-type"].partition(";")[0] == "application/json"
    assert not {"set-cookie", "openai-organization", "openai-version"} & set(headers)
    sent = case.arrived().headers
    assert sent["authorization"].startswith("Bearer sk-upstream-")
    assert not {name for name in sent if name.startswith("x-stainless")}, (
        "the client's own headers are not for the provider"
    )


def test_without_logprobs_they_are_null(client: openai.OpenAI, case: Case, traffic: Traffic) -> None:
    client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user)
    choice = traffic.last.json()["choices"][0]
    assert choice["logprobs"] is None
    assert choice["message"]["refusal"] is None


def test_the_limit_is_told_as_finish_reason(client: openai.OpenAI, case: Case) -> None:
    reply = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, user=case.user, max_completion_tokens=2
    )
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 2


def test_a_refusal(client: openai.OpenAI, provider: MockProvider, traffic: Traffic) -> None:
    case = provider.case("refusal")
    reply = client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user)
    check_completion(traffic.last.json())
    assert reply.choices[0].message.refusal == REFUSAL
    assert reply.choices[0].message.content is None


def test_a_compressed_reply_arrives_readable(client: openai.OpenAI, provider: MockProvider) -> None:
    case = provider.case("compressed")
    reply = client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user)
    assert reply.choices[0].message.content == TEXT


@pytest.mark.parametrize("name", ["openai/gpt-4o-mini", "gpt-4o"])
def test_a_model_answers_under_the_name_it_was_asked_by(client: openai.OpenAI, case: Case, name: str) -> None:
    reply = client.chat.completions.create(model=name, messages=MESSAGES, user=case.user)
    assert reply.model == name
    assert case.arrived().json["model"] == name.removeprefix("openai/")

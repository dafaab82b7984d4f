"""Failures before the first byte: a real HTTP error with the contract's status, type and code."""

import itertools

import httpx
import openai
import pytest

from chat_bodies import MESSAGES, MODEL, chat_body
from fault_table import STREAMED, WHOLE, Outcome
from gateway_process import STREAM_TIMEOUT_SECONDS, TIMEOUT_SECONDS, UNREACHABLE
from mock_provider import MockProvider
from openai_schemas import check_error
from sdk_clients import Traffic

CASES = [
    pytest.param(name, stream, outcome, id=f"{name}-{'stream' if stream else 'whole'}")
    for stream, table in ((False, WHOLE), (True, STREAMED))
    for name, outcome in table.items()
]


def check_status_error(error: openai.APIStatusError, outcome: Outcome, reply: httpx.Headers) -> None:
    assert (error.status_code, error.type, error.code, error.param) == (
        outcome.status,
        outcome.type,
        outcome.code,
        outcome.param,
    )
    assert type(error) is outcome.raised
    assert outcome.says in error.message
    assert error.request_id
    assert error.request_id == reply["x-request-id"]
    assert reply.get("retry-after") == outcome.retry_after


@pytest.mark.parametrize(("behaviour", "stream", "outcome"), CASES)
def test_a_fault_of_the_provider(
    patient_client: openai.OpenAI,
    provider: MockProvider,
    traffic: Traffic,
    behaviour: str,
    stream: bool,
    outcome: Outcome,
) -> None:
    case = provider.case(behaviour)
    before = len(traffic.requests)
    with pytest.raises(outcome.raised) as caught:
        patient_client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user, stream=stream)
    check_error(traffic.last.json())
    check_status_error(caught.value, outcome, httpx.Headers(traffic.last.headers.multi_items()))
    assert traffic.last.headers["content-type"].partition(";")[0] == "application/json"
    assert provider.credential not in traffic.last.text
    assert "operator" not in traffic.last.text
    attempts = traffic.requests[before:]
    assert [request.headers["x-stainless-retry-count"] for request in attempts] == [
        str(number) for number in range(outcome.attempts)
    ]


async def test_the_asynchronous_client_sees_the_same(
    aclient: openai.AsyncOpenAI, provider: MockProvider
) -> None:
    for behaviour, stream in itertools.product(
        ("rate_limited", "server_error", "bad_request"), (False, True)
    ):
        user = provider.case(behaviour).user
        with pytest.raises(WHOLE[behaviour].raised) as caught:
            await aclient.chat.completions.create(model=MODEL, messages=MESSAGES, user=user, stream=stream)
        assert caught.value.status_code == WHOLE[behaviour].status
        assert caught.value.code == WHOLE[behaviour].code
        assert caught.value.request_id


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_cannot_be_reached(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model=UNREACHABLE, messages=MESSAGES, stream=stream)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_error")


def test_a_recovered_provider_is_found_by_the_clients_retry(
    patient_client: openai.OpenAI, provider: MockProvider
) -> None:
    """The pause is the one that the provider asked for, handed on exactly."""
    case = provider.case("rate_limited")
    with pytest.raises(openai.InternalServerError) as caught:
        patient_client.with_options(max_retries=0).chat.completions.create(
            model=MODEL, messages=MESSAGES, user=case.user
        )
    assert caught.value.response.headers["retry-after-ms"] == "50"


@pytest.mark.parametrize(
    ("behaviour", "stream", "deadline"),
    [
        ("held", False, TIMEOUT_SECONDS),
        ("half_a_body_then_held", False, TIMEOUT_SECONDS),
        ("held", True, STREAM_TIMEOUT_SECONDS),
        ("headers_then_held", True, STREAM_TIMEOUT_SECONDS),
    ],
)
def test_a_deadline(
    http: httpx.Client, provider: MockProvider, behaviour: str, stream: bool, deadline: float
) -> None:
    case = provider.case(behaviour)
    reply = http.post("/v1/chat/completions", json=chat_body(case, stream=stream))
    check_error(reply.json())
    assert reply.status_code == 504
    assert (reply.json()["error"]["type"], reply.json()["error"]["code"]) == (
        "timeout_error",
        "upstream_timeout",
    )
    assert deadline <= reply.elapsed.total_seconds() < deadline + 2
    assert case.arrived().client_left.wait(10), "nobody waits for the provider any more"


async def test_a_deadline_for_the_official_client(
    aclient: openai.AsyncOpenAI, provider: MockProvider
) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        await aclient.chat.completions.create(model=MODEL, messages=MESSAGES, user=provider.case("held").user)
    assert (caught.value.status_code, caught.value.type) == (504, "timeout_error")


def test_a_redirect_is_not_followed(http: httpx.Client, provider: MockProvider) -> None:
    """It would carry the operator's credential to wherever the reply says."""
    case = provider.case("redirected")
    assert http.post("/v1/chat/completions", json=chat_body(case)).status_code == 502
    assert {received.path for received in case.requests} == {"/v1/chat/completions"}

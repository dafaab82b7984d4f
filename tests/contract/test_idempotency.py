"""One answer for each Idempotency-Key, however often it is asked for and whoever has stopped waiting for it."""

import itertools

import httpx
import httpx2
import openai
import pytest

from chat_bodies import MESSAGES, MODEL, chat_body
from gateway_process import GatewayProcess
from mock_provider import Case, MockProvider
from repeating import ended

PATH = "/v1/chat/completions"

_numbers = itertools.count()


@pytest.fixture
def once() -> dict[str, str]:
    """The header of a key that nobody has used."""
    return {"Idempotency-Key": f"key-{next(_numbers)}"}


@pytest.mark.parametrize("stream", [False, True])
def test_the_same_request_gets_the_same_bytes_and_the_provider_is_asked_once(
    http: httpx.Client, case: Case, once: dict[str, str], stream: bool
) -> None:
    body = chat_body(case, stream=stream)
    first = http.post(PATH, json=body, headers=once)
    assert first.status_code == 200
    assert "idempotent-replayed" not in first.headers
    again = ended(http, body, once)
    assert again.status_code == 200
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert "x-ratelimit-remaining-rpm" in again.headers
    assert len(case.requests) == 1


def test_the_same_json_written_otherwise_is_the_same_request(
    http: httpx.Client, case: Case, once: dict[str, str]
) -> None:
    body = chat_body(case, temperature=1)
    first = http.post(PATH, json=body, headers=once)
    again = ended(http, dict(reversed(body.items())) | {"temperature": 1.0}, once)
    assert again.content == first.content
    assert len(case.requests) == 1


def test_another_body_is_refused(http: httpx.Client, case: Case, once: dict[str, str]) -> None:
    assert http.post(PATH, json=chat_body(case), headers=once).status_code == 200
    reply = http.post(PATH, json=chat_body(case, temperature=0), headers=once)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert len(case.requests) == 1


def test_another_clients_key_is_another(
    http: httpx.Client, case: Case, once: dict[str, str], gateway: GatewayProcess
) -> None:
    other = {"authorization": f"Bearer {gateway.create_key()['key']}"}
    assert http.post(PATH, json=chat_body(case), headers=once).status_code == 200
    reply = http.post(PATH, json=chat_body(case, temperature=0), headers=once | other)
    assert reply.status_code == 200
    assert "idempotent-replayed" not in reply.headers


@pytest.mark.parametrize("value", ["a b", "a" * 256, "ä"])
def test_what_is_no_key_is_refused(http: httpx.Client, case: Case, value: str) -> None:
    reply = http.post(PATH, json=chat_body(case), headers={b"Idempotency-Key": value.encode("latin-1")})
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] is None
    assert case.requests == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("behaviour", ["bad_request", "cut"])
def test_a_request_that_failed_is_made_anew(
    http: httpx.Client, provider: MockProvider, once: dict[str, str], stream: bool, behaviour: str
) -> None:
    case = provider.case(behaviour)
    body = chat_body(case, stream=stream)
    first = http.post(PATH, json=body, headers=once)
    assert first.status_code != 200 or not first.content.endswith(b"data: [DONE]\n\n")
    again = ended(http, body, once)
    assert "idempotent-replayed" not in again.headers
    assert len(case.requests) == 2


def test_a_client_that_leaves_in_the_middle_of_a_stream_gets_all_of_it_when_it_comes_back(
    http: httpx.Client, provider: MockProvider, once: dict[str, str]
) -> None:
    case = provider.case("stalled")
    body = chat_body(case, stream=True)
    with http.stream("POST", PATH, json=body, headers=once) as first:
        beginning = next(first.iter_raw())
    assert beginning.startswith(b"data: ")
    case.release()
    again = ended(http, body, once)
    assert again.content.startswith(beginning)
    assert again.content.endswith(b"data: [DONE]\n\n")
    assert again.headers["idempotent-replayed"] == "true"
    assert len(case.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_an_sdk_that_timed_out_gets_the_answer_of_its_first_attempt(
    gateway: GatewayProcess, key: str, provider: MockProvider, once: dict[str, str], stream: bool
) -> None:
    """With its usual two retries, and the wait that the gateway asks for."""
    case = provider.case("held")
    statuses: list[int] = []

    def answered(response: httpx2.Response) -> None:
        statuses.append(response.status_code)
        if response.status_code == 409:
            case.release()

    with (
        openai.DefaultHttpxClient(event_hooks={"response": [answered]}) as http,
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, http_client=http, timeout=0.5) as client,
    ):
        raw = client.chat.completions.with_raw_response.create(
            model=MODEL, messages=MESSAGES, user=case.user, stream=stream, extra_headers=once
        )
        text = raw.http_response.read().decode()
    assert statuses == [409, 200]
    assert raw.headers["idempotent-replayed"] == "true"
    assert "requestHash" in text
    assert len(case.requests) == 1

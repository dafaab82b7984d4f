"""Embeddings through the gateway, by the official clients."""

import base64
import json
import struct
from typing import Any

import httpx
import openai
import pytest

from adding_up import digest, without_hashes
from mock_embeddings import DIMENSIONS, inputs_of, vector_of
from mock_provider import EMBEDDING_MODEL, TEXT_MODEL, Case, MockProvider
from openai_schemas import check_embeddings, check_error
from sdk_clients import Traffic, sync_client
from text_bodies import INPUTS, embeddings_body

PATH = "/v1/embeddings"


@pytest.mark.parametrize("form", INPUTS)
def test_as_the_client_asks_by_itself(
    base_url: str, key: str, case: Case, traffic: Traffic, form: str
) -> None:
    """For base64, which it decodes."""
    with sync_client(base_url, key, traffic) as client:
        reply = client.embeddings.create(model=EMBEDDING_MODEL, input=INPUTS[form], user=case.user)
    texts = inputs_of({"input": INPUTS[form]})
    assert [found.embedding for found in reply.data] == [vector_of(text) for text in texts]
    assert [found.index for found in reply.data] == list(range(len(texts)))
    assert (reply.object, reply.model) == ("list", EMBEDDING_MODEL)
    assert reply.usage.prompt_tokens == reply.usage.total_tokens > 0
    assert reply._request_id
    assert all(isinstance(found["embedding"], str) for found in traffic.last.json()["data"])
    (received,) = case.requests
    assert (received.path, received.json["encoding_format"]) == (PATH, "base64")
    assert received.json["input"] == INPUTS[form]


async def test_for_the_asynchronous_client(aclient: openai.AsyncOpenAI, case: Case) -> None:
    reply = await aclient.embeddings.create(model=EMBEDDING_MODEL, input="Say hello", user=case.user)
    assert reply.data[0].embedding == vector_of("Say hello")


@pytest.mark.parametrize("behaviour", ["ok", "floats_only"])
def test_floats(client: openai.OpenAI, provider: MockProvider, traffic: Traffic, behaviour: str) -> None:
    reply = client.embeddings.create(
        model=EMBEDDING_MODEL,
        input="Say hello",
        encoding_format="float",
        user=provider.case(behaviour).user,
    )
    check_embeddings(traffic.last.json())
    assert reply.data[0].embedding == vector_of("Say hello")


@pytest.mark.parametrize("behaviour", ["ok", "floats_only"])
@pytest.mark.parametrize("dimensions", [None, 1, 256])
def test_base64(
    client: openai.OpenAI, provider: MockProvider, behaviour: str, dimensions: int | None
) -> None:
    """Of little-endian 32-bit floats, also from a host that knows only floats."""
    body = embeddings_body(provider.case(behaviour), encoding_format="base64")
    reply = client.embeddings.create(**body | ({"dimensions": dimensions} if dimensions else {}))
    data = base64.b64decode(str(reply.data[0].embedding))
    expected = vector_of("Say hello", dimensions or DIMENSIONS)
    assert list(struct.unpack(f"<{len(data) // 4}f", data)) == expected


def test_a_host_that_ignores_base64_is_no_matter_to_the_client(
    client: openai.OpenAI, provider: MockProvider, traffic: Traffic
) -> None:
    user = provider.case("floats_only").user
    reply = client.embeddings.create(model=EMBEDDING_MODEL, input=["Say hello", "Bye"], user=user)
    assert [found.embedding for found in reply.data] == [vector_of("Say hello"), vector_of("Bye")]
    assert isinstance(traffic.last.json()["data"][0]["embedding"], str)


def test_without_a_format_it_is_floats(http: httpx.Client, case: Case) -> None:
    reply = http.post(PATH, json=embeddings_body(case))
    check_embeddings(reply.json())
    assert reply.json()["data"][0]["embedding"] == vector_of("Say hello")


def test_dimensions(client: openai.OpenAI, case: Case) -> None:
    reply = client.embeddings.create(model=EMBEDDING_MODEL, input="Say hello", dimensions=3, user=case.user)
    assert reply.data[0].embedding == vector_of("Say hello", 3)


def test_a_large_batch_comes_in_its_order(client: openai.OpenAI, case: Case) -> None:
    """As many as OpenAI takes, beyond what a buffered reply of Lambda could carry."""
    texts = [f"text {number}" for number in range(2048)]
    reply = client.embeddings.create(model=EMBEDDING_MODEL, input=texts, dimensions=8, user=case.user)
    assert [found.embedding for found in reply.data] == [vector_of(text, 8) for text in texts]


def test_nothing_is_added_and_nothing_lost(http: httpx.Client, case: Case) -> None:
    sent = embeddings_body(case, encoding_format="base64", dimensions=5, input_type="query", truncate=None)
    assert http.post(PATH, json=sent).status_code == 200
    assert case.arrived().json == sent


def test_a_host_that_does_not_count(client: openai.OpenAI, provider: MockProvider, traffic: Traffic) -> None:
    """The schema wants usage all the same."""
    user = provider.case("without_usage").user
    reply = client.embeddings.create(
        model=EMBEDDING_MODEL, input="Say hello", user=user, encoding_format="float"
    )
    check_embeddings(traffic.last.json())
    assert reply.usage.total_tokens > 0


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_hashes(http: httpx.Client, case: Case, encoding: str) -> None:
    sent = embeddings_body(case, encoding_format=encoding)
    reply = http.post(PATH, json=sent).json()
    assert reply["requestHash"] == digest(sent)
    assert reply["responseHash"] == digest(without_hashes(reply))


@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [
        ("bad_request", 400, "invalid_value"),
        ("rate_limited", 503, "overloaded"),
        ("server_error", 502, "upstream_error"),
        ("unauthorized", 502, "upstream_error"),
        ("page", 502, "upstream_error"),
        ("empty", 502, "upstream_error"),
        ("malformed_json", 502, "upstream_error"),
        ("not_utf8", 502, "upstream_error"),
        ("wrong_shape", 502, "upstream_error"),
        ("not_an_object", 502, "upstream_error"),
        ("error_with_status_200", 502, "upstream_error"),
        ("disconnected", 502, "upstream_error"),
        ("cut_whole", 502, "upstream_error"),
        ("held", 504, "upstream_timeout"),
    ],
)
def test_a_fault_of_the_provider(
    http: httpx.Client, provider: MockProvider, behaviour: str, status: int, code: str
) -> None:
    reply = http.post(PATH, json=embeddings_body(provider.case(behaviour)))
    assert reply.status_code == status, reply.text
    check_error(reply.json())
    assert reply.json()["error"]["code"] == code
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize(
    ("member", "value", "param"),
    [
        ("input", "", "input"),
        ("input", [], "input"),
        ("input", [""], "input"),
        ("input", ["a", ""], "input"),
        ("input", [[]], "input"),
        ("input", ["a", 5], "input"),
        ("input", [-1], "input"),
        ("input", ["a"] * 2049, "input"),
        ("input", 5, "input"),
        ("input", None, "input"),
        ("input", {"text": "a"}, "input"),
        ("encoding_format", "hex", "encoding_format"),
        ("dimensions", 0, "dimensions"),
        ("dimensions", 1.5, "dimensions"),
        ("user", 5, "user"),
        ("model", None, "model"),
    ],
    ids=lambda value: json.dumps(value)[:20],
)
@pytest.mark.parametrize("path", [PATH, "/api/v1/embeddings"])
def test_out_of_range(http: httpx.Client, case: Case, path: str, member: str, value: Any, param: str) -> None:
    reply = http.post(path, json=embeddings_body(case) | {member: value})
    assert reply.status_code == 400, reply.text
    check_error(reply.json())
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert (reply.json()["error"]["param"] or "").startswith(param), reply.text
    assert case.requests == []


def test_the_official_client_shows_an_empty_input(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model=EMBEDDING_MODEL, input="")
    assert caught.value.param == "input"


@pytest.mark.parametrize("name", ["gpt-9", "gpt-4o-mini", TEXT_MODEL])
def test_a_model_that_embeds_nothing(client: openai.OpenAI, case: Case, traffic: Traffic, name: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.embeddings.create(model=name, input="Hello", user=case.user)
    check_error(traffic.last.json())
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert case.requests == []

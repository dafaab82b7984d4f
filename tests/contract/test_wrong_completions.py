"""Text completions that are asked for wrongly, or of a wrong model, and members that are null."""

from typing import Any

import httpx
import openai
import pytest

from mock_completions import TEXT
from mock_provider import EMBEDDING_MODEL, TEXT_MODEL, Case
from openai_schemas import check_error
from sdk_clients import Traffic
from text_bodies import completion_body, embeddings_body

PATH = "/v1/completions"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PATH, completion_body),
        ("/v1/embeddings", embeddings_body),
    ],
)
def test_a_null_member_is_no_fault(http: httpx.Client, case: Case, path: str, body: Any) -> None:
    """Frameworks send what they do not set as null."""
    names = ["suffix", "max_tokens", "n", "best_of", "logprobs", "echo", "stop", "stream", "stream_options"]
    names += ["temperature", "logit_bias", "seed", "encoding_format", "dimensions"]
    reply = http.post(path, json=body(case) | dict.fromkeys(names))
    assert reply.status_code == 200, reply.text


def test_an_empty_prompt_is_one(client: openai.OpenAI, case: Case) -> None:
    assert client.completions.create(model=TEXT_MODEL, prompt="", user=case.user).choices[0].text == TEXT


@pytest.mark.parametrize(
    ("member", "value", "param"),
    [
        ("prompt", 5, "prompt"),
        ("prompt", [], "prompt"),
        ("prompt", [[]], "prompt"),
        ("prompt", ["a", 5], "prompt"),
        ("prompt", [1, "a"], "prompt"),
        ("prompt", [-1], "prompt"),
        ("prompt", [1.5], "prompt"),
        ("prompt", [True], "prompt"),
        ("prompt", {"text": "Hello"}, "prompt"),
        ("max_tokens", -1, "max_tokens"),
        ("n", 0, "n"),
        ("n", 129, "n"),
        ("best_of", 0, "best_of"),
        ("best_of", 129, "best_of"),
        ("logprobs", 6, "logprobs"),
        ("logprobs", True, "logprobs"),
        ("echo", "yes", "echo"),
        ("suffix", 5, "suffix"),
        ("temperature", 2.1, "temperature"),
        ("top_p", -0.1, "top_p"),
        ("stop", ["a", "b", "c", "d", "e"], "stop"),
        ("presence_penalty", 2.1, "presence_penalty"),
        ("logit_bias", {"1": 101}, "logit_bias"),
        ("seed", "lucky", "seed"),
        ("stream", "maybe", "stream"),
        ("stream_options", {"include_usage": "often"}, "stream_options.include_usage"),
        ("user", 5, "user"),
        ("model", 5, "model"),
        ("model", None, "model"),
    ],
)
@pytest.mark.parametrize("path", [PATH, "/api/v1/completions"])
def test_out_of_range(http: httpx.Client, case: Case, path: str, member: str, value: Any, param: str) -> None:
    reply = http.post(path, json=completion_body(case) | {member: value})
    assert reply.status_code == 400, reply.text
    check_error(reply.json())
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert (reply.json()["error"]["param"] or "").startswith(param), reply.text
    assert case.requests == []


def test_fewer_are_written_than_are_wanted(http: httpx.Client, case: Case) -> None:
    for members in ({"n": 3, "best_of": 2}, {"best_of": 2, "stream": True}):
        reply = http.post(PATH, json=completion_body(case, **members))
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "best_of")
    assert case.requests == []


@pytest.mark.parametrize("member", ["model", "prompt"])
def test_a_required_member_is_missing(http: httpx.Client, case: Case, member: str) -> None:
    body = completion_body(case)
    del body[member]
    reply = http.post(PATH, json=body)
    assert reply.status_code == 400
    check_error(reply.json())
    assert reply.json()["error"]["param"] == member


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"a": NaN}'])
@pytest.mark.parametrize("path", [PATH, "/v1/embeddings"])
def test_no_json_object(http: httpx.Client, path: str, content: bytes) -> None:
    reply = http.post(path, content=content)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_json")
    check_error(reply.json())


@pytest.mark.parametrize("name", ["gpt-9", EMBEDDING_MODEL])
def test_a_model_that_completes_nothing(
    client: openai.OpenAI, case: Case, traffic: Traffic, name: str
) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.completions.create(model=name, prompt="Hello", user=case.user)
    check_error(traffic.last.json())
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize("name", [TEXT_MODEL, EMBEDDING_MODEL])
def test_a_model_that_does_not_chat(client: openai.OpenAI, case: Case, name: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(
            model=name, messages=[{"role": "user", "content": "Hello"}], user=case.user
        )
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert case.requests == []

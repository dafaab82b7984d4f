"""Lists of models, as the hosts of OpenAI's format write them."""

import json
from typing import Any

import pytest

from sluice.errors import UpstreamError
from sluice.providers.contract import ListedModel
from sluice.providers.openai import models as openai
from sluice.providers.reading import MAX_NAME_LENGTH
from text_requests import TARGET

OPENAI = {"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": 7, "owned_by": "system"}]}
OPENROUTER = {"data": [{"id": "a/b", "created": 7, "context_length": 4096, "pricing": {"prompt": "0.1"}}]}
TOGETHER = [{"id": "a/b", "object": "model", "created": 0, "type": "chat", "context_length": 8192}]
GOOGLE = {"object": "list", "data": [{"id": "models/gemini-2.5-flash", "owned_by": "google"}]}
GROQ = {"data": [{"id": "llama", "active": True, "context_window": 131072}]}
MISTRAL = {"data": [{"id": "small", "max_context_length": 32768, "capabilities": {}}]}
VLLM = {"data": [{"id": "m", "max_model_len": 2048, "root": "m", "parent": None}]}


def listed(raw: Any) -> list[ListedModel]:
    return list(openai.listed_models(json.dumps(raw).encode()))


def test_the_list_is_asked_for_where_the_models_are() -> None:
    sent = openai.upstream_request(TARGET)
    assert (sent.method, sent.url, sent.body) == ("GET", "https://api.example/v1/models", b"")
    assert sent.headers["authorization"] == "Bearer sk-upstream"


@pytest.mark.parametrize(
    ("raw", "model"),
    [
        (OPENAI, ListedModel("gpt-4o", 7, "system")),
        (OPENROUTER, ListedModel("a/b", 7, None, 4096)),
        (TOGETHER, ListedModel("a/b", 0, None, 8192)),
        (GOOGLE, ListedModel("gemini-2.5-flash", 0, "google")),
        (GROQ, ListedModel("llama", context_tokens=131072)),
        (MISTRAL, ListedModel("small", context_tokens=32768)),
        (VLLM, ListedModel("m", context_tokens=2048)),
    ],
    ids=["OpenAI", "OpenRouter", "Together", "Google", "Groq", "Mistral", "vLLM"],
)
def test_each_host_is_understood(raw: Any, model: ListedModel) -> None:
    assert listed(raw) == [model]


@pytest.mark.parametrize(
    "row",
    [
        7,
        None,
        [],
        {},
        {"id": None},
        {"id": 5},
        {"id": ""},
        {"id": "models/"},
        {"id": "x" * (MAX_NAME_LENGTH + 1)},
        {"id": "a\nb"},
    ],
)
def test_what_is_no_model_is_left_out(row: Any) -> None:
    assert listed([row, {"id": "m"}]) == [ListedModel("m")]


@pytest.mark.parametrize("odd", [True, -1, 1.5, "7", 2**53, None, [], {}])
def test_what_cannot_be_is_not_taken_over(odd: Any) -> None:
    row = {"id": "m", "created": odd, "owned_by": 7, "context_length": odd, "max_model_len": 5}
    assert listed([row]) == [ListedModel("m", 0, None, 5)]


@pytest.mark.parametrize("odd", [7, "", None, [], "x" * (MAX_NAME_LENGTH + 1), "a\u001b[2J"])
def test_what_is_no_name_of_an_owner_is_not_taken_over(odd: Any) -> None:
    assert listed([{"id": "m", "owned_by": odd}]) == [ListedModel("m")]


def test_a_context_of_nothing_is_none() -> None:
    assert listed([{"id": "m", "owned_by": "", "context_length": 0}]) == [ListedModel("m")]


def test_each_model_is_there_once() -> None:
    assert listed([{"id": "m"}, {"id": "n"}, {"id": "models/m"}]) == [ListedModel("m"), ListedModel("n")]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"7", b"null", b'"m"', b"{}", b'{"data": {}}', b'{"data": null}', b"[" * 100_000]
)
def test_what_is_no_list_is_the_providers_failure(body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        openai.listed_models(body)
    assert caught.value.status == 502

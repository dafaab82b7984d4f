"""Lists of models, as hosts of OpenAI's format write them."""

import json
from typing import Any

import pytest

from sluice.errors import UpstreamError
from sluice.providers.contract import ListedModel, Target
from sluice.providers.openai import models

OPENAI = {"id": "gpt-5", "object": "model", "created": 1754425777, "owned_by": "system"}
GOOGLE = {"id": "models/gemini-2.5-flash", "object": "model", "owned_by": "google"}
MISTRAL = {"id": "mistral-large-latest", "created": 1, "owned_by": "mistralai", "max_context_length": 131072}
GROQ = {
    "id": "llama-3.1-8b-instant",
    "created": 2,
    "owned_by": "Meta",
    "active": True,
    "context_window": 131072,
}
TOGETHER = {"id": "meta-llama/Llama-3.3-70B", "created": 3, "type": "chat", "context_length": 8192}
VLLM = {"id": "mine", "created": 4, "owned_by": "vllm", "max_model_len": 4096}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (OPENAI, ListedModel("gpt-5", 1754425777, "system")),
        (GOOGLE, ListedModel("gemini-2.5-flash", 0, "google")),
        (MISTRAL, ListedModel("mistral-large-latest", 1, "mistralai", 131072)),
        (GROQ, ListedModel("llama-3.1-8b-instant", 2, "Meta", 131072)),
        (TOGETHER, ListedModel("meta-llama/Llama-3.3-70B", 3, None, 8192)),
        (VLLM, ListedModel("mine", 4, "vllm", 4096)),
    ],
)
@pytest.mark.parametrize("bare", [False, True])
def test_a_row_of_a_list(row: dict[str, Any], expected: ListedModel, bare: bool) -> None:
    body = json.dumps([row] if bare else {"object": "list", "data": [row]}).encode()
    assert list(models.listed_models(body)) == [expected]


def test_each_is_there_once() -> None:
    body = json.dumps({"data": [{"id": "models/a"}, {"id": "b"}, {"id": "a"}]}).encode()
    assert [model.id for model in models.listed_models(body)] == ["a", "b"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"5", b"null", b"{}", b'{"data": {}}', b'{"data": null}', b"\xff"]
)
def test_what_is_no_list_is_the_providers_fault(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        models.listed_models(body)


def test_it_is_asked_for_with_the_credential() -> None:
    target = Target("far", "https://far/v1/", "", "secret", {"X-Team": "a"})
    request = models.upstream_request(target)
    assert (request.method, request.url, request.body) == ("GET", "https://far/v1/models", b"")
    assert request.headers == {
        "authorization": "Bearer secret",
        "x-team": "a",
        "accept": "application/json",
    }

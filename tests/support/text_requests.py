"""Requests of completions and embeddings as their endpoints understand them, and calls with them."""

from typing import Any

from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.validation import validate
from sluice.providers.contract import ProviderCall, Target

TARGET = Target("openai", "https://api.example/v1/", "upstream-model", "sk-upstream", {"X-Team": "blue"})


def completion_request(prompt: Any = "Once upon", **members: Any) -> CompletionRequest:
    """To continue a text."""
    return validate(CompletionRequest, {"model": "asked-for", "prompt": prompt, **members})


def completion_call(
    prompt: Any = "Once upon", to: Target = TARGET, **members: Any
) -> ProviderCall[CompletionRequest]:
    """The same, on its way to a provider."""
    return ProviderCall(completion_request(prompt, **members), to, id="cmpl-ours", now=1_700_000_000.5)


def embeddings_request(texts: Any = "a", **members: Any) -> EmbeddingsRequest:
    """To embed texts."""
    return validate(EmbeddingsRequest, {"model": "asked-for", "input": texts, **members})


def embeddings_call(texts: Any = "a", to: Target = TARGET, **members: Any) -> ProviderCall[EmbeddingsRequest]:
    """The same, on its way to a provider."""
    return ProviderCall(embeddings_request(texts, **members), to, id="embd-ours", now=1_700_000_000.5)

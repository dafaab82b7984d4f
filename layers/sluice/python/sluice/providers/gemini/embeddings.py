"""Embeddings: ``batchEmbedContents``, which takes one text as well as several and gives each its own vector.

Vectors are passed on as they come: of fewer dimensions than the model's own they are not of length one, unlike
OpenAI's.

Source: https://ai.google.dev/api/embeddings.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from sluice.api.embeddings import Embedding, EmbeddingList, EmbeddingsRequest, EmbeddingUsage
from sluice.errors import UnsupportedParameterError, UpstreamError
from sluice.providers.contract import ProviderCall, UpstreamRequest
from sluice.providers.features import HINTS
from sluice.providers.gemini.requests import post, resource_of
from sluice.providers.gemini.usage import usage_of
from sluice.providers.reading import parsed_object, validated
from sluice.providers.vectors import encoded

type Call = ProviderCall[EmbeddingsRequest]

MOST_TEXTS = 100
"""In one batch, by Google's word for what is more."""

_OWN_MEMBERS: Mapping[str, str] = {"task_type": "taskType", "title": "title"}
"""Members of Gemini's that OpenAI does not have, by the names that Google's Python SDK has for them."""


def most_texts(_: str) -> int | None:
    """See ``EmbeddingsOperation``."""
    return MOST_TEXTS


def upstream_request(call: Call) -> UpstreamRequest:
    """A request for each text, all in one batch.

    Raises:
        UnsupportedParameterError: a text comes as tokens, or a member is not known.
    """
    request = call.request
    terms: dict[str, Any] = {"model": resource_of(call.target.model)}
    for member, value in (request.model_extra or {}).items():
        if member in _OWN_MEMBERS:
            terms[_OWN_MEMBERS[member]] = value
        elif value is not None and member not in HINTS:
            raise UnsupportedParameterError(
                f"The model's provider does not know '{member:.100}'.", param=member[:100]
            )
    if request.dimensions is not None:
        terms["outputDimensionality"] = request.dimensions
    parts = [{"text": _text(text)} for text in request.texts]
    body = {"requests": [{**terms, "content": {"parts": [part]}} for part in parts]}
    return post(call.target, "batchEmbedContents", body)


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise UnsupportedParameterError("The model's provider takes text, not tokens.", param="input")
    return text


class _Vector(BaseModel):
    model_config = ConfigDict(extra="ignore")

    values: list[float]


class _Batch(BaseModel):
    model_config = ConfigDict(extra="ignore")

    embeddings: list[_Vector]


def whole_reply(body: bytes, call: Call) -> EmbeddingList:
    """The vectors in the order of the texts, encoded as the client wants them."""
    raw = parsed_object(body)
    vectors = validated(_Batch, raw).embeddings
    if len(vectors) != len(call.request.texts):
        raise UpstreamError("The provider did not answer with one vector for each text.")
    return EmbeddingList(
        data=[
            Embedding(index=index, embedding=encoded(vector.values, call.request.encoding))
            for index, vector in enumerate(vectors)
        ],
        model=call.request.model,
        usage=_usage_of(raw.get("usageMetadata")),
    )


def _usage_of(raw: object) -> EmbeddingUsage | None:
    """Older models count nothing; then it is estimated."""
    counted = usage_of(raw)
    if counted is None or not counted.total_tokens:
        return None
    return EmbeddingUsage(prompt_tokens=counted.total_tokens, total_tokens=counted.total_tokens)

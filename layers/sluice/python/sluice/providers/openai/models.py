"""The list of models of a host of OpenAI's format: ``GET /models``.

Source: https://platform.openai.com/docs/api-reference/models/list. Hosts that answer with a bare array (Together) are
read too, and so is what many add: how much a model reads.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from sluice.errors import UpstreamError
from sluice.providers.contract import ListedModel, Target, UpstreamRequest
from sluice.providers.model_lists import models_of
from sluice.providers.openai.requests import get
from sluice.providers.reading import count_of, name_of

_CONTEXT_MEMBERS = ("context_length", "context_window", "max_context_length", "max_model_len")
"""OpenRouter's and Together's, Groq's, Mistral's, vLLM's."""

_PATH_PREFIX = "models/"
"""Google's endpoint lists resource names and takes ids."""


def upstream_request(target: Target) -> UpstreamRequest:
    """Ask for the list."""
    return get(target, "/models")


def listed_models(body: bytes) -> Sequence[ListedModel]:
    """The models of a list, each once.

    Raises:
        UpstreamError: it is none.
    """
    try:
        raw = from_json(body)
    except ValueError as error:
        raise UpstreamError("The provider's list of models is not JSON.") from error
    return models_of(raw.get("data") if isinstance(raw, dict) else raw, _model)


def _model(row: Mapping[str, Any]) -> ListedModel | None:
    name = name_of(row.get("id"), _PATH_PREFIX)
    if name is None:
        return None
    counts = (count_of(row.get(member)) for member in _CONTEXT_MEMBERS)
    return ListedModel(
        id=name,
        created=count_of(row.get("created")) or 0,
        owned_by=name_of(row.get("owned_by")),
        context_tokens=next((count for count in counts if count), None),
    )

"""The list of models: ``GET /models``.

Source: https://ai.google.dev/api/models#method:-models.list.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sluice.providers.contract import ListedModel, Target, UpstreamRequest
from sluice.providers.gemini.requests import get
from sluice.providers.model_lists import models_of
from sluice.providers.reading import count_of, name_of, parsed_object

PAGE_SIZE = 1000
"""The most that a page may have, and many times as many as there are."""

_PREFIX = "models/"
_METHODS = ("generateContent", "embedContent")
"""What is called here; the others make pictures and films, or talk."""


def upstream_request(target: Target) -> UpstreamRequest:
    """Ask for the list."""
    return get(target, f"models?pageSize={PAGE_SIZE}")


def listed_models(body: bytes) -> Sequence[ListedModel]:
    """The models of a list that can be called here, each once.

    Raises:
        UpstreamError: it is none.
    """
    return models_of(parsed_object(body).get("models"), _model)


def _model(row: Mapping[str, Any]) -> ListedModel | None:
    name = name_of(row.get("name"), _PREFIX)
    methods = row.get("supportedGenerationMethods")
    if name is None or not isinstance(methods, list) or not any(method in methods for method in _METHODS):
        return None
    return ListedModel(
        id=name, owned_by="google", context_tokens=count_of(row.get("inputTokenLimit")) or None
    )

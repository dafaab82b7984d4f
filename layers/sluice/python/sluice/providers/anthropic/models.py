"""The list of Anthropic's models: ``GET /v1/models``.

Source: https://platform.claude.com/docs/en/api/models-list. It comes in pages, of which the first is longer than the
list. Models that are retired stay in it, and are left out here.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sluice.errors import UpstreamError
from sluice.providers.anthropic.requests import get
from sluice.providers.contract import ListedModel, Target, UpstreamRequest
from sluice.providers.reading import objects_of, parsed_object

PAGE = 1_000
"""The most that Anthropic gives at once."""

MAX_NAME_LENGTH = 256
"""Longer than any that is meant."""

OWNER = "anthropic"


def upstream_request(target: Target) -> UpstreamRequest:
    """Ask for the list."""
    return get(target, f"/models?limit={PAGE}")


def listed_models(body: bytes) -> Sequence[ListedModel]:
    """The models of a list, each once.

    Raises:
        UpstreamError: it is none.
    """
    rows = parsed_object(body).get("data")
    if not isinstance(rows, list):
        raise UpstreamError("The provider's list of models is none.")
    found = {model.id: model for model in map(_model, objects_of(rows)) if model is not None}
    return tuple(found.values())


def _model(row: Mapping[str, Any]) -> ListedModel | None:
    name, tokens = row.get("id"), row.get("max_input_tokens")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        return None
    if row.get("lifecycle") == "retired":
        return None
    is_count = isinstance(tokens, int) and not isinstance(tokens, bool) and 0 < tokens < 2**53
    return ListedModel(
        id=name,
        created=_epoch(row.get("created_at")),
        owned_by=OWNER,
        context_tokens=tokens if is_count else None,
    )


def _epoch(value: object) -> int:
    """Seconds of a time in RFC 3339; 0 for anything else, and for the epoch that stands for a time unknown."""
    try:
        time = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return 0
    return 0 if time is None else max(0, int(time.replace(tzinfo=time.tzinfo or dt.UTC).timestamp()))

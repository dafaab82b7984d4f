"""The list of Anthropic's models: ``GET /v1/models``.

Source: https://platform.claude.com/docs/en/api/models-list. It comes in pages, of which the first is longer than the
list. Models that are retired stay in it, and are left out here.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sluice.providers.anthropic.requests import get
from sluice.providers.contract import ListedModel, Target, UpstreamRequest
from sluice.providers.model_lists import models_of
from sluice.providers.reading import count_of, name_of, parsed_object

PAGE = 1_000
"""The most that Anthropic gives at once."""

OWNER = "anthropic"


def upstream_request(target: Target) -> UpstreamRequest:
    """Ask for the list."""
    return get(target, f"/models?limit={PAGE}")


def listed_models(body: bytes) -> Sequence[ListedModel]:
    """The models of a list, each once.

    Raises:
        UpstreamError: it is none.
    """
    return models_of(parsed_object(body).get("data"), _model)


def _model(row: Mapping[str, Any]) -> ListedModel | None:
    name = name_of(row.get("id"))
    if name is None or row.get("lifecycle") == "retired":
        return None
    return ListedModel(
        id=name,
        created=_epoch(row.get("created_at")),
        owned_by=OWNER,
        context_tokens=count_of(row.get("max_input_tokens")) or None,
    )


def _epoch(value: object) -> int:
    """Seconds of a time in RFC 3339; 0 for anything else, and for the epoch that stands for a time unknown."""
    try:
        time = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return 0
    return 0 if time is None else max(0, int(time.replace(tzinfo=time.tzinfo or dt.UTC).timestamp()))

"""The member that Anthropic takes and OpenAI's shapes do not have."""

from collections.abc import Mapping
from typing import Any

from sluice.providers.cache_control import CACHE_CONTROL, check_cache_control

CACHEABLE = frozenset({CACHE_CONTROL})


def cached(block: dict[str, Any], extra: Mapping[str, Any] | None, place: str) -> dict[str, Any]:
    """A block, or a tool, with the mark that a part of the request has in ``extra``, its members beside OpenAI's.

    ``place`` is its path in the request, empty for the request itself.

    Raises:
        InvalidRequestError: the mark is none.
        UnsupportedParameterError: it asks for what has no price here.
    """
    value = extra.get(CACHE_CONTROL) if extra else None
    if value is not None:
        check_cache_control(value, f"{place}.{CACHE_CONTROL}" if place else CACHE_CONTROL)
        block[CACHE_CONTROL] = {"type": "ephemeral"}
    return block

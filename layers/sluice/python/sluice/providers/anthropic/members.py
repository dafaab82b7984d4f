"""Members that OpenAI's shapes do not have: the one that Anthropic takes, and the rest, which is refused by name."""

from collections.abc import Collection, Mapping
from typing import Any

from sluice.api.shapes import RequestShape
from sluice.errors import UnsupportedParameterError
from sluice.providers.cache_control import CACHE_CONTROL, check_cache_control

CACHEABLE = frozenset({CACHE_CONTROL})

_NOTHING: tuple[object, ...] = (None, [], {})


def check_members(shape: RequestShape, place: str, known: Collection[str] = ()) -> None:
    """Refuse members of a message, a part or a tool that mean nothing here; what is null or empty means nothing.

    Args:
        shape: a part of the request.
        place: its path in the request, for the error.
        known: members that are looked after elsewhere.

    Raises:
        UnsupportedParameterError: naming the first one.
    """
    for member, value in (shape.model_extra or {}).items():
        if member not in known and value not in _NOTHING:
            raise UnsupportedParameterError(
                f"The model's provider does not know '{member:.100}' here.", param=f"{place}.{member[:100]}"
            )


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

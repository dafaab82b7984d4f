"""Members that OpenAI's shapes do not have: the one that Anthropic takes, and the rest, which is refused by name.

``cache_control`` marks where a prompt may be cached, on parts of messages and on tools, as clients of LiteLLM and
OpenRouter write it. What is written to the cache for an hour has a price of its own, which the catalogue has no place
for, so only the ordinary five minutes can be asked for.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sluice.api.shapes import RequestShape
from sluice.errors import InvalidRequestError, UnsupportedParameterError

CACHE_CONTROL = "cache_control"
CACHEABLE = frozenset({CACHE_CONTROL})

_NOTHING: tuple[object, ...] = (None, [], {})
_LIFETIMES = (None, "5m")


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
        block[CACHE_CONTROL] = cache_control(value, f"{place}.{CACHE_CONTROL}" if place else CACHE_CONTROL)
    return block


def cache_control(value: object, param: str) -> dict[str, Any]:
    """A mark as Anthropic takes it.

    Raises:
        InvalidRequestError: it is none.
        UnsupportedParameterError: it asks for what has no price here.
    """
    if not isinstance(value, dict) or value.get("type") != "ephemeral" or value.keys() - {"type", "ttl"}:
        raise InvalidRequestError(
            f'\'{param}\' should be an object such as {{"type": "ephemeral"}}.', param=param
        )
    if value.get("ttl") not in _LIFETIMES:
        raise UnsupportedParameterError(
            f"'{param}.ttl' can only be \"5m\" here: what lives longer in the cache has another price.",
            param=f"{param}.ttl",
        )
    return {"type": "ephemeral"}

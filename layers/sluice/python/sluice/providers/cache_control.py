"""Marks where a prompt may be cached, on parts of messages and on tools, as clients of Claude's many hosts write them.

What is kept in the cache for an hour has a price of its own, which the catalogue has no place for, so only the ordinary
five minutes can be asked for.
"""

from sluice.errors import InvalidRequestError, UnsupportedParameterError

CACHE_CONTROL = "cache_control"

NOT_BY_MARKS = "It does not cache by such a mark: leave it out."
"""What there is to say of one where a provider has no place for it."""

_LIFETIMES = (None, "5m")


def check_cache_control(value: object, param: str) -> None:
    """See that a mark is one.

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

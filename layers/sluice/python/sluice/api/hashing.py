"""SHA-256 over canonical JSON (RFC 8785): the same JSON gives the same hash, however it was written."""

import hashlib
from typing import Any

import rfc8785

_EXACT = 2**53 - 1
"""Largest integer that IEEE 754 doubles, RFC 8785's only numbers, hold exactly."""


class NumberRangeError(Exception):
    """A JSON number that no IEEE 754 double holds."""


def canonical_digest(value: Any) -> str:
    """64 hex characters for a JSON value.

    Integers beyond 2**53 - 1 are read as doubles, as RFC 8785 demands of every parser.

    Raises:
        NumberRangeError: a number is too large for a double.
    """
    try:
        canonical = rfc8785.dumps(value)
    except rfc8785.IntegerDomainError:
        canonical = _canonical_in_doubles(value)
    except rfc8785.FloatDomainError as error:
        raise NumberRangeError from error
    return hashlib.sha256(canonical).hexdigest()


def _canonical_in_doubles(value: Any) -> bytes:
    try:
        return rfc8785.dumps(_in_doubles(value))
    except (OverflowError, rfc8785.FloatDomainError) as error:
        raise NumberRangeError from error


def _in_doubles(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int():
            return value if -_EXACT <= value <= _EXACT else float(value)
        case list():
            return [_in_doubles(element) for element in value]
        case dict():
            return {member: _in_doubles(element) for member, element in value.items()}
        case _:
            return value

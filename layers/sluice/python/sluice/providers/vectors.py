"""Vectors in the two encodings that clients may ask for: numbers, or base64 of 32-bit floats, the little end first.

Whatever a provider sends, the client gets what it asked for.
"""

import base64
import math
import sys
from array import array
from collections.abc import Iterable

from sluice.api.embeddings import EncodingFormat
from sluice.errors import UpstreamError

_FLOAT = "f"
_NATIVE_IS_LITTLE = sys.byteorder == "little"


def encoded(vector: list[float] | str, encoding: EncodingFormat) -> list[float] | str:
    """A vector, in whichever encoding it comes, in the one that is wanted.

    Raises:
        UpstreamError: it is none, or holds a number that is out of range.
    """
    match vector, encoding:
        case list() as numbers, "base64":
            return base64_of(numbers)
        case list() as numbers, _:
            _check_finite(numbers)
            return numbers
        case text, "base64":
            _unpacked(text)  # looked at, and passed on as it is
            return text
        case text, _:
            return floats_of(text)


def base64_of(numbers: list[float]) -> str:
    """A vector as base64 of little-endian 32-bit floats.

    Raises:
        UpstreamError: a number is beyond their range.
    """
    floats = array(_FLOAT, numbers)
    _check_finite(floats)
    return base64.b64encode(_little(floats).tobytes()).decode("ascii")


def floats_of(text: str) -> list[float]:
    """The other way round.

    Raises:
        UpstreamError: the text is no such thing.
    """
    return _unpacked(text).tolist()


def _unpacked(text: str) -> array[float]:
    floats: array[float] = array(_FLOAT)
    try:
        floats.frombytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise UpstreamError("The provider's vector is not one in base64.") from error
    floats = _little(floats)
    _check_finite(floats)
    return floats


def _little(floats: array[float]) -> array[float]:
    if not _NATIVE_IS_LITTLE:
        floats.byteswap()
    return floats


def _check_finite(floats: Iterable[float]) -> None:
    """JSON has no other numbers."""
    if not all(map(math.isfinite, floats)):
        raise UpstreamError("The provider's vector holds a number that is out of range.")

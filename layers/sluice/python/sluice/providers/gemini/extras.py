"""Members that OpenAI does not have, on the parts of a request: what Gemini has no place for is refused by name."""

from collections.abc import Container

from sluice.api.shapes import RequestShape
from sluice.errors import UnsupportedParameterError
from sluice.providers.cache_control import CACHE_CONTROL, NOT_BY_MARKS

_NOTHING: tuple[object, ...] = (None, False, [], {})


def refuse_unknown(shape: RequestShape, place: str, known: Container[str] = ()) -> None:
    """Refuse members that are not known, unless they ask for nothing.

    Raises:
        UnsupportedParameterError: naming the first one.
    """
    extra = shape.model_extra
    if not extra:
        return
    for member, value in extra.items():
        if member not in known and value not in _NOTHING:
            reason = f" {NOT_BY_MARKS}" if member == CACHE_CONTROL else ""
            raise UnsupportedParameterError(
                f"The model's provider has no place for '{member:.100}' here.{reason}",
                param=f"{place}.{member:.100}",
            )

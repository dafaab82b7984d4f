"""Members that OpenAI's shapes do not have, on the parts of a request: what a provider has no place for is refused."""

from collections.abc import Collection

from sluice.api.shapes import RequestShape
from sluice.errors import UnsupportedParameterError
from sluice.providers.cache_control import CACHE_CONTROL, NOT_BY_MARKS
from sluice.providers.features import is_nothing


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
        if member not in known and not is_nothing(value):
            reason = f" {NOT_BY_MARKS}" if member == CACHE_CONTROL else ""
            raise UnsupportedParameterError(
                f"The model's provider does not know '{member:.100}' here.{reason}",
                param=f"{place}.{member[:100]}",
            )

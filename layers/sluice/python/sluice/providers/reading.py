"""Reading JSON that strangers wrote."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from sluice.errors import UpstreamError


def parsed_object(data: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        UpstreamError: it is none.
    """
    try:
        raw = from_json(data)
    except ValueError as error:
        raise UpstreamError("The provider's answer is not JSON.") from error
    if not isinstance(raw, dict):
        raise UpstreamError("The provider's answer is not a JSON object.")
    return raw


def objects_of(value: object) -> list[dict[str, Any]]:
    """The objects in a JSON array; none if it is none."""
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def validated[Shape: BaseModel](shape: type[Shape], raw: Mapping[str, Any]) -> Shape:
    """A part of a reply in its shape.

    Raises:
        UpstreamError: it does not fit, naming the place.
    """
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        place = ".".join(str(element) for element in error.errors(include_input=False)[0]["loc"])
        raise UpstreamError(f"The provider's answer is malformed at '{place}'.") from error


MAX_NAME_LENGTH = 256
"""Of a model's id: longer than any that is meant."""


def name_of(value: object, prefix: str = "") -> str | None:
    """A text that can stand in a list, without the prefix; None for anything else."""
    name = value.removeprefix(prefix) if isinstance(value, str) else ""
    return name if 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable() else None


def count_of(value: object) -> int | None:
    """A count; None for anything else. Some languages write whole numbers with a point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None

"""The two bases of all shapes, and the tags of their unions.

Requests are strict (a number in quotes is an error, as it is at OpenAI) and keep members they do not know, because
those are passed on. Replies are built from what providers send, so they coerce, and keep unknown members too.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, PlainSerializer, WrapValidator

TAG = "<"
"""First character of every union tag: a path element that starts with it is no member of the client's JSON."""


_WORDS = {"text": "a string", "parts": "an array", "object": "an object"}


def _as_written(value: Any, check: Callable[[Any], float]) -> Any:
    check(value)
    return value


Number = Annotated[float, WrapValidator(_as_written), PlainSerializer(lambda value: value, return_type=Any)]
"""A number that is passed on as the client wrote it: some hosts refuse ``5.0`` where they want an integer."""


def whole(value: Any) -> Any:
    """``5.0`` is the integer 5, as JSON Schema has it; anything else stays what it is, for the check that follows."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(whole)
"""Stands last on an integer of a request: some languages have one kind of number, and write it with a point."""


class RequestShape(BaseModel):
    """Base of what clients send."""

    model_config = ConfigDict(
        strict=True, extra="allow", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class ReplyShape(BaseModel):
    """Base of what clients see."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


def absent(value: object) -> bool:
    """Whether a member is left out of the reply: OpenAI's schema has it optional, but not nullable."""
    return value is None


def by_member(member: str, *values: str) -> Discriminator:
    """Choose among a union's shapes by the string in ``member``; each shape is tagged ``<value``.

    The error for any other string is of type ``unknown_<member>``, from which ``validation.param_of`` names the member.
    """

    def tag(value: Any) -> str | None:
        found = value.get(member) if isinstance(value, dict) else getattr(value, member, None)
        return TAG + found if isinstance(found, str) else None

    choices = ", ".join(f"'{value}'" for value in values)
    return Discriminator(
        tag,
        custom_error_type=f"unknown_{member}",
        custom_error_message=f"Input should be an object whose '{member}' is one of {choices}",
    )


def by_type(**names: type | tuple[type, ...]) -> Discriminator:
    """Choose among a union's shapes by the JSON type; each shape is tagged ``<name``."""

    def tag(value: Any) -> str | None:
        for name, kind in names.items():
            if isinstance(value, kind):
                return TAG + name
        return None

    return Discriminator(
        tag,
        custom_error_type="wrong_type",
        custom_error_message="Input should be " + " or ".join(_WORDS[name] for name in names),
    )

"""Request bodies that may be JSON or a form: OpenAI's SDKs send forms where a file may be among the members.

A form has texts only. Where a member is a number the request's shape takes its text for one.
"""

import base64
import re
from collections.abc import Collection
from typing import Any, Final

from sluice.api.validation import parse_object
from sluice.errors import InvalidRequestError
from sluice.wire.form_data import Part
from sluice.wire.form_parts import FormError, form_parts
from sluice.wire.media_types import recognised

FORM: Final = "multipart/form-data"
IMAGE_URL: Final = "image_url"
"""The member that a picture's address has; a file becomes a ``data:`` URL there."""

_NAME = re.compile(r"([^\[\]]+)(?:\[([^\[\]]+)\])?")
"""``input_reference[image_url]`` is the SDKs' way of writing a member of a member."""


def members_of(content_type: str | None, body: bytes, pictures: Collection[str]) -> dict[str, Any]:
    """The members of a request's body; what it says it is decides what it is read as, and else it is JSON.

    Args:
        content_type: the header's value.
        body: all of it.
        pictures: names of members that may be the file of a picture.

    Raises:
        InvalidJSONError: it is no JSON object.
        InvalidRequestError: it is no form, or one of its fields cannot be one.
    """
    if content_type is None or content_type.partition(";")[0].strip().lower() != FORM:
        return parse_object(body)
    try:
        parts = form_parts(content_type, body)
    except FormError as error:
        raise InvalidRequestError(f"We could not read the form of your request: {error}.") from error

    def value_of(part: Part) -> Any:
        if part.filename is None:
            return _text(part.name, part.content)
        if part.name not in pictures:
            raise InvalidRequestError(f"'{part.name}' cannot be a file.", param=part.name)
        return {IMAGE_URL: _data_url(part.name, part.content)}

    members: dict[str, Any] = {}
    for part in parts:
        _put(members, part.name, value_of(part))
    return members


def _put(members: dict[str, Any], name: str, value: Any) -> None:
    found = _NAME.fullmatch(name)
    if found is None:
        raise InvalidRequestError(f"'{name}' is no name of a member.", param=name)
    outer, inner = found.groups()
    place: Any = members if inner is None else members.setdefault(outer, {})
    last = inner or outer
    if not isinstance(place, dict) or last in place:
        raise InvalidRequestError(f"'{name}' is given more than once.", param=name)
    place[last] = value


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"Invalid value for '{name}': it is no UTF-8.", param=name) from error


def _data_url(name: str, content: bytes) -> str:
    """The file as what it is: some SDKs send every file as one of bytes of any kind."""
    found = recognised(content)
    if found is None or found.kind != "image":
        raise InvalidRequestError(
            f"The file '{name}' has to be a picture (PNG, JPEG, WebP or GIF).", param=name
        )
    return f"data:{found.content_type};base64,{base64.b64encode(content).decode()}"

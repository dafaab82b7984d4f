"""From bytes to a validated shape, with errors that name the member at fault."""

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from sluice.api.shapes import TAG, RequestShape
from sluice.errors import InvalidJSONError, InvalidRequestError

_PLAIN_WORDS = {
    "model_type": "Input should be an object",
    "model_attributes_type": "Input should be an object",
    "dict_type": "Input should be an object",
    "list_type": "Input should be an array",
}
"""For the errors whose own words are Python's and not JSON's."""

MEMBER_OF_UNION_ERROR = "unknown_"


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a request body that has to be a JSON object.

    The parser refuses what RFC 8259 has no room for (NaN, lone surrogates, bytes that are not UTF-8) and nesting
    deeper than 200.

    Raises:
        InvalidJSONError: saying where it went wrong.
    """
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidJSONError(f"We could not parse the JSON body of your request: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidJSONError("The body of your request must be a JSON object.")
    return value


def validate[Shape: RequestShape](shape: type[Shape], value: dict[str, Any]) -> Shape:
    """Check a parsed body against its shape.

    Raises:
        InvalidRequestError: with ``param`` naming the first member at fault.
    """
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        param = param_of(detail)
        if detail["type"] == "missing":
            raise InvalidRequestError(f"Missing required parameter: '{param}'.", param=param) from error
        wrong = _PLAIN_WORDS.get(detail["type"], detail["msg"])
        raise InvalidRequestError(f"Invalid value for '{param}': {wrong}.", param=param) from error


def param_of(detail: ErrorDetails) -> str:
    """The path of a faulty member as OpenAI writes it: ``messages[0].content[1].image_url``."""
    path = ""
    for element in detail["loc"]:
        if isinstance(element, int):
            path += f"[{element}]"
        elif not element.startswith(TAG):
            path += f".{element}" if path else element
    if detail["type"].startswith(MEMBER_OF_UNION_ERROR):
        path += "." + detail["type"].removeprefix(MEMBER_OF_UNION_ERROR)
    return path

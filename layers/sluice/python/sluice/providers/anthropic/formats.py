"""Structured output: the schema that an answer obeys.

Anthropic takes a schema in ``output_config.format``, without a beta header, and always keeps to it, so the schema's
name, its description and ``strict`` need not be said. It refuses keywords that it cannot enforce, and objects that
leave open whether they may have further members: where a schema leaves it open, the answer has none, which obeys it.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs.
"""

from typing import Any

from sluice.api.chat_request import JSONObjectFormat, JSONSchemaFormat, ResponseFormat
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.extra_members import check_members

_SCHEMAS_BY_NAME = ("properties", "$defs", "definitions")
_SCHEMA_LISTS = ("anyOf", "allOf", "oneOf")


def format_of(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    """The member ``output_config.format``; None where the answer is free text.

    Raises:
        InvalidRequestError: there is no schema.
        UnsupportedParameterError: the format is none that Anthropic knows.
    """
    match wanted:
        case JSONSchemaFormat():
            check_members(wanted, "response_format")
            check_members(wanted.json_schema, "response_format.json_schema")
            schema = wanted.json_schema.definition
            if schema is None:
                param = "response_format.json_schema.schema"
                raise InvalidRequestError(f"'{param}' is missing.", param=param)
            return {"type": "json_schema", "schema": closed(schema)}
        case JSONObjectFormat():
            raise UnsupportedParameterError(
                "The model's provider writes JSON of a given schema only.", param="response_format"
            )
        case _:
            return None


def closed(schema: Any) -> Any:
    """A schema whose objects have no members but those that they name, unless it says otherwise."""
    if not isinstance(schema, dict):
        return schema
    found = dict(schema)
    for keyword in _SCHEMAS_BY_NAME:
        if isinstance(found.get(keyword), dict):
            found[keyword] = {name: closed(part) for name, part in found[keyword].items()}
    for keyword in _SCHEMA_LISTS:
        if isinstance(found.get(keyword), list):
            found[keyword] = [closed(part) for part in found[keyword]]
    if "items" in found:
        found["items"] = closed(found["items"])
    if "properties" in found:
        found.setdefault("additionalProperties", False)
    return found

"""Structured output, whose objects are closed."""

from typing import Any

import pytest

from anthropic_calls import call, sent
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.anthropic import chat
from sluice.providers.anthropic.formats import closed

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED = {**SCHEMA, "additionalProperties": False}


def wanted(**members: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", **members}}


@pytest.mark.parametrize("schema", [SCHEMA, CLOSED], ids=["open", "closed"])
def test_a_schema_is_a_format(schema: dict[str, Any]) -> None:
    body = sent(response_format=wanted(schema=schema, strict=True, description="An answer."))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": CLOSED}}


def test_it_goes_beside_an_effort() -> None:
    body = sent(response_format=wanted(schema=SCHEMA), reasoning_effort="low")
    assert body["output_config"].keys() == {"effort", "format"}


def test_free_text_is_no_format() -> None:
    assert "output_config" not in sent(response_format={"type": "text"})


def test_objects_are_closed_wherever_they_stand() -> None:
    nested = {
        "type": "object",
        "properties": {"one": SCHEMA, "many": {"type": "array", "items": SCHEMA}, "properties": SCHEMA},
        "anyOf": [SCHEMA, {"$ref": "#/$defs/a"}],
        "$defs": {"a": SCHEMA},
    }
    assert closed(nested) == {
        "type": "object",
        "properties": {"one": CLOSED, "many": {"type": "array", "items": CLOSED}, "properties": CLOSED},
        "anyOf": [CLOSED, {"$ref": "#/$defs/a"}],
        "$defs": {"a": CLOSED},
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"type": "object"},
        {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}},
        {"type": "string", "enum": ["properties"]},
        {"properties": [], "anyOf": {}, "additionalProperties": False},
    ],
)
def test_what_a_schema_says_itself_stays(schema: Any) -> None:
    assert closed(schema) == schema


def test_a_schema_is_left_as_it_was_given() -> None:
    before = {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}
    closed(before)
    assert before == {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}


def test_a_format_without_a_schema_is_refused() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        sent(response_format=wanted())
    assert caught.value.param == "response_format.json_schema.schema"


def test_json_of_no_schema_is_refused() -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        chat.upstream_request(call(response_format={"type": "json_object"}))
    assert caught.value.param == "response_format"

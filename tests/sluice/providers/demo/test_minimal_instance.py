"""Whatever is returned must be valid; what cannot be found must be refused."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.providers.demo.minimal_instance import UnsatisfiableSchemaError, minimal_instance


@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, {"a": ""}),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {}),
        ({"type": ["string", "null"]}, None),
        ({"enum": ["celsius", "fahrenheit"]}, "celsius"),
        ({"const": 0}, 0),
        ({"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 2}, [3, 3]),
        ({"type": "integer", "exclusiveMinimum": 3, "multipleOf": 5}, 5),
        ({"type": "integer", "maximum": -7, "multipleOf": 5}, -10),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.25}, 0.125),
        ({"type": "string", "format": "date"}, "1970-01-01"),
        ({"type": "string", "minLength": 3}, "xxx"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "boolean"}}}, False),
        (
            {
                "$defs": {
                    "node": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/list"}]},
                    "list": {"type": "array"},
                },
                "type": "object",
                "properties": {"next": {"$ref": "#/$defs/node"}},
                "required": ["next"],
            },
            {"next": None},
        ),
        (
            {
                "allOf": [
                    {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "boolean"}}, "required": ["b"]},
                    True,
                ]
            },
            {"a": 0, "b": False},
        ),
        (
            {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "null"}, "minItems": 2},
            ["", None],
        ),
        (True, None),
    ],
)
def test_the_smallest_instance(schema: Any, instance: Any) -> None:
    assert minimal_instance(schema) == instance
    jsonschema.validate(instance, schema)


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "string", "pattern": "^a$"},
        {"not": {}},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#/$defs/none"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"$ref": "#"},
        {
            "allOf": [{"$ref": "#/$defs/a"}] * 4_000,
            "$defs": {"a": {"properties": {str(n): {} for n in range(1_000)}}},
        },
        {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}},
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"type": "array", "uniqueItems": True, "minItems": 2},
        {"type": "string", "minLength": 10**9},
        {"type": "thing"},
        {"anyOf": []},
        {"allOf": [False]},
        {"allOf": [{"const": 1}, {"const": 2}]},
        {"type": "string", "enum": [1, True, None]},
        {"enum": []},
        {"enum": {"a": 1}},
        {"type": []},
        {"type": "object", "required": "a", "properties": 5},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"type": "string", "minLength": 2, "maxLength": 1},
        {"type": "array", "items": {"const": "x" * 1_000}, "minItems": 1_000},
        {
            "$ref": "#/$defs/0",
            "$defs": {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(40)},
        },
        7,
    ],
)
def test_what_has_no_instance_is_refused(schema: Any) -> None:
    with pytest.raises(UnsatisfiableSchemaError):
        minimal_instance(schema)


numbers = st.fixed_dictionaries(
    {"type": st.sampled_from(["integer", "number"])},
    optional={
        "minimum": st.integers(-50, 50),
        "maximum": st.integers(-50, 50),
        "exclusiveMinimum": st.integers(-50, 50),
        "exclusiveMaximum": st.integers(-50, 50),
        "multipleOf": st.integers(1, 20),
    },
)
leaves = numbers | st.sampled_from(
    [{"type": "null"}, {"type": "boolean"}, {"type": "string", "minLength": 2}]
)


def compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from("abc")
    return st.one_of(
        st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.dictionaries(names, inner),
                "required": st.lists(names, unique=True),
            }
        ),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner, "minItems": st.integers(0, 3)}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=3)}),
    )


@given(st.recursive(leaves, compound, max_leaves=8))
def test_every_instance_is_valid(schema: Any) -> None:
    try:
        instance = minimal_instance(schema)
    except UnsatisfiableSchemaError:
        return
    jsonschema.validate(instance, schema)

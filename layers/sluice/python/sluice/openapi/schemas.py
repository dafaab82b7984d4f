"""JSON Schemas of the shapes, exact: what fits one is what the shape takes, or what a reply may be."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from sluice.api.shapes import TAG, ReplyShape, absent
from sluice.api.validation import MEMBER_OF_UNION_ERROR

type Shape = type[BaseModel]
type Schema = dict[str, Any]

PLACE = "#/components/schemas/{model}"

_NULL = {"type": "null"}

_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
"""What pydantic leaves in its own words where a bound stands on a type with a validator."""


def reference(shape: Shape) -> Schema:
    """Where a shape's schema stands in the document."""
    return {"$ref": PLACE.format(model=shape.__name__)}


def schemas_of(shapes: Iterable[Shape]) -> dict[str, Schema]:
    """The schemas of some shapes and of all that they are made of, by name.

    Raises:
        ValueError: two shapes have one name.
    """
    wanted: list[tuple[Shape, JsonSchemaMode]] = [
        (shape, "serialization" if issubclass(shape, ReplyShape) else "validation") for shape in shapes
    ]
    _, found = models_json_schema(wanted, ref_template=PLACE, schema_generator=_Generator)
    schemas: dict[str, Schema] = found.get("$defs", {})
    odd = [name for name in schemas if not re.fullmatch(r"[A-Za-z0-9]+", name)]
    if odd:
        raise ValueError(f"shapes share a name: {', '.join(odd)}")
    return {name: _told(schema) for name, schema in schemas.items()}


class _Generator(GenerateJsonSchema):
    """Pydantic's, with what it leaves vague said: which shape of a union is meant, and what a reply always has."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """A member's title would only repeat its name."""
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Neither has a shape a title beside its name."""
        found = super().model_schema(schema)
        found.pop("title", None)
        return found

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A default tells what is done without a member; null would tell nothing, and a reply always has it."""
        found = super().default_schema(schema)
        if self.mode == "serialization" or found.get("default", ...) is None:
            found.pop("default", None)
        return found

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """One list of what a member may be, null at its end."""
        found = super().nullable_schema(schema)
        match found:
            case {"anyOf": [{"oneOf": choices, **rest}, {"type": "null"}]} if not rest:
                return {"oneOf": [*choices, _NULL]}
        return found

    def model_field_schema(self, schema: core_schema.ModelField) -> JsonSchemaValue:
        """A member that is left out rather than null is never null."""
        found = super().model_field_schema(schema)
        if self.mode == "serialization" and schema.get("serialization_exclude_if") is absent:
            return _without_null(found)
        return found

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,  # noqa: FBT001 # the signature is pydantic's
    ) -> bool:
        """A reply has every member that is not left out by a rule of its own."""
        if self.mode == "serialization":
            return field.get("serialization_exclude_if") is None
        return super().field_is_required(field, total)

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """A union that is told apart by a member names it."""
        found = super().tagged_union_schema(schema)
        kind = schema.get("custom_error_type", "")
        if kind.startswith(MEMBER_OF_UNION_ERROR):
            found["discriminator"] = {
                "propertyName": kind.removeprefix(MEMBER_OF_UNION_ERROR),
                "mapping": {
                    str(tag).removeprefix(TAG): self.generate_inner(choice)["$ref"]
                    for tag, choice in schema["choices"].items()
                },
            }
        return found


def _without_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    for name in ("anyOf", "oneOf"):
        choices = [choice for choice in schema.get(name, ()) if choice != _NULL]
        if len(choices) == 1:
            return dict(choices[0])
        if choices:
            return {**schema, name: choices}
    return schema


def _told(part: Any) -> Any:
    """The same in JSON Schema's words, with descriptions as Markdown: docstrings have marks of their own."""
    match part:
        case {"type": "number"}:
            return {_BOUNDS.get(name, name): value for name, value in part.items()}
        case dict():
            return {
                name: told(value) if name == "description" and isinstance(value, str) else _told(value)
                for name, value in part.items()
            }
        case list():
            return [_told(element) for element in part]
        case _:
            return part


def told(docstring: str) -> str:
    """A docstring as Markdown."""
    paragraphs = re.split(r"\n\s*\n", docstring.strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).replace("``", "`")

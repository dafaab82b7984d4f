"""The smallest JSON value that a JSON Schema allows.

Covers what structured outputs and tool parameters use: types, enum, const, required members, items, combinators,
local references, lengths, ranges and the common formats. A schema whose instance would have to be searched for
(``pattern``, ``not``, ``if``) is refused by name, never answered wrongly.
"""

import math
from collections.abc import Mapping
from typing import Any

_REFUSED = ("pattern", "not", "if", "contains", "dependentSchemas", "patternProperties", "minProperties")

_FORMATS = {
    "date-time": "1970-01-01T00:00:00Z",
    "date": "1970-01-01",
    "time": "00:00:00Z",
    "duration": "P0D",
    "email": "a@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}

_MAX_DEPTH = 64
_MAX_LENGTH = 10_000


class UnsatisfiableSchemaError(Exception):
    """The schema is false, endless or uses a keyword that this module does not solve; the message names it."""


def minimal_instance(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """The smallest instance of ``schema``; ``root`` is the document that local references point into.

    Raises:
        UnsatisfiableSchemaError: there is none, or none that this module can find.
    """
    if depth > _MAX_DEPTH:
        raise UnsatisfiableSchemaError("the schema requires itself without end")
    if schema is True:
        return None
    if not isinstance(schema, Mapping):
        raise UnsatisfiableSchemaError("a schema must be an object or true")
    root = schema if root is None else root
    schema = _merged(schema, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return _first_of(schema, keyword, root, depth)
    return _of_type(_type_of(schema), schema, root, depth)


def _merged(schema: Mapping[str, Any], root: Any) -> Mapping[str, Any]:
    """The schema with its reference and its ``allOf`` laid into one, and nothing in it that cannot be solved."""
    for _ in range(_MAX_DEPTH):
        if "$ref" in schema:
            rest = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
            schema = {**_resolved(schema["$ref"], root), **rest}
        elif "allOf" in schema:
            whole: dict[str, Any] = {}
            for part in (*schema["allOf"], {key: value for key, value in schema.items() if key != "allOf"}):
                if part is True:
                    continue
                if not isinstance(part, Mapping):
                    raise UnsatisfiableSchemaError("a part of 'allOf' allows nothing")
                whole = _both(whole, _merged(part, root))
            schema = whole
        else:
            break
    else:
        raise UnsatisfiableSchemaError("a reference leads back to itself")
    for keyword in _REFUSED:
        if keyword in schema:
            raise UnsatisfiableSchemaError(f"the keyword '{keyword}' is not supported")
    return schema


def _both(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**first, **second}
    if "properties" in first and "properties" in second:
        merged["properties"] = {**first["properties"], **second["properties"]}
    if "required" in first and "required" in second:
        merged["required"] = [*first["required"], *second["required"]]
    return merged


def _resolved(reference: object, root: Any) -> Mapping[str, Any]:
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise UnsatisfiableSchemaError(f"the reference {reference!r:.80} is not local")
    found = root
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            raise UnsatisfiableSchemaError(f"the reference {reference!r:.80} leads nowhere")
        found = found[name]
    if not isinstance(found, Mapping):
        raise UnsatisfiableSchemaError(f"the reference {reference!r:.80} leads to no schema")
    return found


def _first_of(schema: Mapping[str, Any], keyword: str, root: Any, depth: int) -> Any:
    rest = {key: value for key, value in schema.items() if key != keyword}
    reasons: list[str] = []
    for option in sorted(
        schema[keyword],
        key=lambda each: isinstance(each, Mapping) and each.get("type") == "null",
        reverse=True,
    ):
        try:
            return minimal_instance({"allOf": [rest, option]}, root, depth + 1)
        except UnsatisfiableSchemaError as error:
            reasons.append(str(error))
    raise UnsatisfiableSchemaError(reasons[0] if reasons else f"'{keyword}' is empty")


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return "null" if "null" in kind else str(kind[0])
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema else "null"


def _of_type(kind: str, schema: Mapping[str, Any], root: Any, depth: int) -> Any:
    match kind:
        case "null":
            return None
        case "boolean":
            return False
        case "string":
            return _string(schema)
        case "integer" | "number":
            return _number(schema, whole=kind == "integer")
        case "array":
            return _array(schema, root, depth)
        case "object":
            properties = schema.get("properties", {})
            extra = schema.get("additionalProperties", True)
            return {
                name: minimal_instance(properties.get(name, extra or True), root, depth + 1)
                for name in schema.get("required", ())
            }
        case _:
            raise UnsatisfiableSchemaError(f"the type {kind!r:.40} is unknown")


def _length(schema: Mapping[str, Any], keyword: str) -> int:
    length = schema.get(keyword, 0)
    if length > _MAX_LENGTH:
        raise UnsatisfiableSchemaError(f"'{keyword}' is larger than {_MAX_LENGTH}")
    return int(length)


def _string(schema: Mapping[str, Any]) -> str:
    text = _FORMATS.get(schema.get("format", ""), "")
    return text + "x" * (_length(schema, "minLength") - len(text))


def _number(schema: Mapping[str, Any], *, whole: bool) -> int | float:
    """An allowed number, zero where it is allowed."""
    step = schema.get("multipleOf") or (1 if whole else None)
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    near = [bound for bound in (low, high) if math.isfinite(bound)]
    if step is None:
        tries = [0, *near, *(bound + 1 for bound in near), *(bound - 1 for bound in near), sum(near) / 2]
    else:
        tries = [0, *((math.floor(bound / step) + offset) * step for bound in near for offset in (0, 1, -1))]
    for value in tries:
        if (
            low <= value <= high
            and value != schema.get("exclusiveMinimum")
            and value != schema.get("exclusiveMaximum")
        ):
            return int(value) if whole else value
    raise UnsatisfiableSchemaError("no number lies within the bounds")


def _array(schema: Mapping[str, Any], root: Any, depth: int) -> list[Any]:
    length = _length(schema, "minItems")
    if length > 1 and schema.get("uniqueItems"):
        raise UnsatisfiableSchemaError("the keyword 'uniqueItems' is not supported")
    first = [minimal_instance(item, root, depth + 1) for item in schema.get("prefixItems", ())[:length]]
    if len(first) == length:
        return first
    return first + [minimal_instance(schema.get("items", True), root, depth + 1)] * (length - len(first))

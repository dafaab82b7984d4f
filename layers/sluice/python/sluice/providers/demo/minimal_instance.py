"""The smallest JSON value that a JSON Schema allows.

Covers what structured outputs and tool parameters use: types, enum, const, required members, items, combinators,
local references, lengths, ranges and the common formats. A schema whose instance would have to be searched for
(``pattern``, ``not``, ``if``) is refused by name, never answered wrongly. Schemas come from strangers, so the work and
the size of the result are bounded.
"""

import math
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

_REFUSED = ("pattern", "not", "if", "contains", "dependentSchemas", "patternProperties", "minProperties")

_TIGHTEST = {
    "minimum": max,
    "exclusiveMinimum": max,
    "minLength": max,
    "minItems": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxLength": min,
    "maxItems": min,
}
_REMARKS = frozenset(
    {"title", "description", "default", "examples", "$comment", "$schema", "$id", "$defs", "definitions"}
)

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

_TYPES: Mapping[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}

_MAX_DEPTH = 64
_BUDGET = 50_000
"""Schemas looked at and characters written, together."""


class UnsatisfiableSchemaError(Exception):
    """The schema is false, endless, malformed or uses a keyword that is not solved here; the message says which."""


def minimal_instance(schema: Any) -> Any:
    """The smallest instance of a JSON Schema.

    Raises:
        UnsatisfiableSchemaError: there is none, or none that this module can find.
    """
    try:
        return _Search(schema).instance(schema)
    except (TypeError, AttributeError, LookupError, ValueError, ArithmeticError) as error:
        raise UnsatisfiableSchemaError("the schema is malformed") from error


class _Search:
    """One search; ``root`` is the document that local references point into."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = _BUDGET

    def instance(self, schema: Any, depth: int = 0) -> Any:
        self._spend(1 + (len(schema) if isinstance(schema, Mapping) else 0))
        if depth > _MAX_DEPTH:
            raise UnsatisfiableSchemaError("the schema requires itself without end")
        if schema is True:
            return None
        if not isinstance(schema, Mapping):
            raise UnsatisfiableSchemaError("a schema must be an object or true")
        schema = self._merged(schema)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._first_of(schema, keyword, depth)
        if "const" in schema:
            return self._given([schema["const"]], schema)
        if "enum" in schema:
            return self._given(schema["enum"], schema)
        return self._of_type(_type_of(schema), schema, depth)

    def _spend(self, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise UnsatisfiableSchemaError("its smallest instance is too large, or takes too long to find")

    def _given(self, values: Any, schema: Mapping[str, Any]) -> Any:
        """The first of the values that the schema names and its ``type`` allows."""
        if not isinstance(values, list):
            raise UnsatisfiableSchemaError("'enum' must be an array")
        kinds = schema.get("type", list(_TYPES))
        allowed = [each for kind in ([kinds] if isinstance(kinds, str) else kinds) for each in _TYPES[kind]]
        for value in values:
            if type(value) in allowed:
                self._spend(len(to_json(value)))
                return value
        raise UnsatisfiableSchemaError("no value of 'enum' or 'const' is of its type")

    def _merged(self, schema: Mapping[str, Any], depth: int = 0) -> Mapping[str, Any]:
        """The schema with its reference and its ``allOf`` laid into one, and nothing in it that cannot be solved."""
        for _ in range(_MAX_DEPTH - depth):
            self._spend(1)
            if "$ref" in schema:
                rest = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
                schema = self._both(self._resolved(schema["$ref"]), rest)
            elif "allOf" in schema:
                whole: Mapping[str, Any] = {
                    keyword: value for keyword, value in schema.items() if keyword != "allOf"
                }
                for part in schema["allOf"]:
                    if part is True:
                        continue
                    if not isinstance(part, Mapping):
                        raise UnsatisfiableSchemaError("a part of 'allOf' allows nothing")
                    whole = self._both(whole, self._merged(part, depth + 1))
                schema = whole
            else:
                break
        else:
            raise UnsatisfiableSchemaError("a reference leads back to itself")
        for keyword in _REFUSED:
            if keyword in schema:
                raise UnsatisfiableSchemaError(f"the keyword '{keyword}' is not supported")
        return schema

    def _both(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
        """What obeys both schemas."""
        self._spend(len(first))
        both = dict(first)
        for keyword, value in second.items():
            earlier: Any = first.get(keyword)
            if isinstance(value, list | dict):
                self._spend(len(value) + (len(earlier) if isinstance(earlier, list | dict) else 0))
            if keyword not in first or keyword in _REMARKS or earlier == value:
                both[keyword] = value
            elif keyword == "properties":
                both[keyword] = dict(earlier) | {
                    name: {"allOf": [earlier[name], each]} if name in earlier else each
                    for name, each in value.items()
                }
            elif keyword == "required":
                both[keyword] = list(dict.fromkeys([*earlier, *value]))
            elif keyword in _TIGHTEST:
                both[keyword] = _TIGHTEST[keyword](earlier, value)
            else:
                raise UnsatisfiableSchemaError(f"the keyword '{keyword}' is given twice")
        return both

    def _resolved(self, reference: object) -> Mapping[str, Any]:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise UnsatisfiableSchemaError(f"the reference {reference!r:.80} is not local")
        found = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                raise UnsatisfiableSchemaError(f"the reference {reference!r:.80} leads nowhere")
            found = found[name]
        if not isinstance(found, Mapping):
            raise UnsatisfiableSchemaError(f"the reference {reference!r:.80} leads to no schema")
        return found

    def _first_of(self, schema: Mapping[str, Any], keyword: str, depth: int) -> Any:
        rest = {key: value for key, value in schema.items() if key != keyword}
        reasons: list[str] = []
        for option in sorted(schema[keyword], key=_is_null, reverse=True):
            self._spend(1)
            try:
                return self.instance({"allOf": [rest, option]}, depth + 1)
            except UnsatisfiableSchemaError as error:
                reasons.append(str(error))
        raise UnsatisfiableSchemaError(reasons[0] if reasons else f"'{keyword}' is empty")

    def _of_type(self, kind: str, schema: Mapping[str, Any], depth: int) -> Any:
        match kind:
            case "null":
                return None
            case "boolean":
                return False
            case "string":
                return self._string(schema)
            case "integer" | "number":
                return _number(schema, whole=kind == "integer")
            case "array":
                return self._array(schema, depth)
            case "object":
                return self._object(schema, depth)
            case _:
                raise UnsatisfiableSchemaError(f"the type {kind!r:.40} is unknown")

    def _string(self, schema: Mapping[str, Any]) -> str:
        text: str = _FORMATS.get(schema.get("format", ""), "")
        self._spend(max(len(text), schema.get("minLength", 0)))
        text += "x" * (schema.get("minLength", 0) - len(text))
        if len(text) > schema.get("maxLength", len(text)):
            raise UnsatisfiableSchemaError("no string has that length")
        return text

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        length = schema.get("minItems", 0)
        if length > schema.get("maxItems", length):
            raise UnsatisfiableSchemaError("no array has that length")
        if length > 1 and schema.get("uniqueItems"):
            raise UnsatisfiableSchemaError("the keyword 'uniqueItems' is not supported")
        self._spend(length)
        items = [*schema.get("prefixItems", ())[:length]]
        items += [schema.get("items", True)] * (length - len(items))
        return [self.instance(item, depth + 1) for item in items]

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        extra = schema.get("additionalProperties", True)
        found: dict[str, Any] = {}
        for name in schema.get("required", ()):
            self._spend(len(name))
            found[name] = self.instance(properties.get(name, extra), depth + 1)
        return found


def _is_null(schema: object) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return "null" if "null" in kind else str(kind[0])
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "minItems" in schema else "null"


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
            and (not whole or value == int(value))
        ):
            return int(value) if whole else value
    raise UnsatisfiableSchemaError("no number lies within the bounds")

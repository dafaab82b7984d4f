"""The smallest value that a JSON schema allows, for the subset of schemas the tests use."""

from typing import Any

LARGEST = 1000
"""No schema makes it longer than this, whatever it demands."""


def instance(schema: dict[str, Any], root: dict[str, Any] | None = None) -> Any:
    """A value that ``schema`` accepts: required members only, first alternatives, lower bounds."""
    root = schema if root is None else root
    if "$ref" in schema:
        return instance(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for alternatives in ("anyOf", "oneOf"):
        if alternatives in schema:
            return instance(schema[alternatives][0], root)
    kind = schema.get("type", "object")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            return {
                name: instance(part, root)
                for name, part in schema.get("properties", {}).items()
                if name in schema.get("required", [])
            }
        case "array":
            return [instance(schema["items"], root) for _ in range(min(schema.get("minItems", 0), LARGEST))]
        case "string":
            return "x" * min(schema.get("minLength", 1), LARGEST)
        case "integer":
            return schema.get("minimum", 0)
        case "number":
            return schema.get("minimum", 0.5)
        case "boolean":
            return True
        case _:
            return None

"""Places in JSON documents. Source: RFC 6901."""

from typing import Any


def found(document: object, pointer: str) -> Any:
    """What is at a place; None where nothing is."""
    for step in _steps(pointer):
        match document:
            case dict():
                document = document.get(step)
            case list() if step.isascii() and step.isdecimal() and int(step) < len(document):
                document = document[int(step)]
            case _:
                return None
    return document


def put(document: dict[str, Any], pointer: str, value: object) -> None:
    """Put a value at a place, making the objects around it; what is on the way and no object gives way."""
    *way, last = _steps(pointer)
    for step in way:
        inner = document.get(step)
        if not isinstance(inner, dict):
            inner = document[step] = {}
        document = inner
    document[last] = value


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]

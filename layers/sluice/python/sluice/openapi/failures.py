"""The replies to requests that fail: one for each status, made of the error tree."""

from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from sluice.errors import MethodNotAllowedError, SluiceError, envelope
from sluice.openapi.headers import ALWAYS, LIMITS, REPEATING, ROUTE, referred
from sluice.openapi.schemas import reference, told
from sluice.openapi.shapes import Error

WITHOUT_KEY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.METHOD_NOT_ALLOWED})
"""Statuses that are told before a key is known."""

OPEN_CODES = frozenset({HTTPStatus.BAD_REQUEST})
"""Statuses whose ``code`` may also be a provider's own."""


def response_name(status: int) -> str:
    """What a status's reply is called in the document."""
    return "".join(word.capitalize() for word in HTTPStatus(status).phrase.replace("-", " ").split())


def failures() -> dict[str, Any]:
    """The replies by name, of the errors that every part of the gateway knows."""
    by_status: dict[int, list[type[SluiceError]]] = defaultdict(list)
    for kind in filter(_is_told, _kinds(SluiceError)):
        by_status[kind.status].append(kind)
    return {response_name(status): _failure(status, by_status[status]) for status in sorted(by_status)}


def _kinds(parent: type[SluiceError]) -> Iterator[type[SluiceError]]:
    for kind in parent.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _is_told(kind: type[SluiceError]) -> bool:
    """Whether an error is the contract's; others may be loaded in this process."""
    return kind.__module__ == SluiceError.__module__


def _failure(status: int, kinds: list[type[SluiceError]]) -> dict[str, Any]:
    names = list(ALWAYS)
    if status not in WITHOUT_KEY:
        names += (*LIMITS, *ROUTE)
    names += ("allow",) if MethodNotAllowedError in kinds else REPEATING
    schema: dict[str, Any] = {"type": {"enum": sorted({kind.type for kind in kinds})}}
    if status not in OPEN_CODES:
        schema["code"] = {"enum": [kind.code for kind in kinds]}
    lines = [f"`{kind.code or 'null'}`: {told(kind.__doc__ or '')}" for kind in kinds]
    if status in OPEN_CODES:
        lines.append("Any other `code` is the provider's own.")
    return {
        "description": "\n\n".join(lines),
        "headers": referred(names),
        "content": {
            "application/json": {
                "schema": {
                    "allOf": [reference(Error), {"properties": {"error": {"properties": schema}}}],
                },
                "examples": {
                    kind.__name__.removesuffix("Error"): {"value": envelope(kind(_words(kind)))}
                    for kind in kinds
                },
            }
        },
    }


def _words(kind: type[SluiceError]) -> str:
    return told(kind.__doc__ or "").partition("\n")[0]

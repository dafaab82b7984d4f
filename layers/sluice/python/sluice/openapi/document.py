"""The whole document, out of routes and rows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from sluice.openapi.endpoint import TAGS, Endpoint, Media
from sluice.openapi.endpoints import ENDPOINTS
from sluice.openapi.failures import failures, response_name
from sluice.openapi.headers import (
    ALWAYS,
    ANSWER,
    CACHING,
    HEADERS,
    IF_NONE_MATCH,
    LIMITS,
    ROUTE,
    referred,
)
from sluice.openapi.routes import Routes
from sluice.openapi.schemas import Shape, reference, schemas_of
from sluice.openapi.shapes import Error

type Part = dict[str, Any]

JSON = "application/json"
FORM = "multipart/form-data"
EVENT_STREAM = "text/event-stream"
DONE = "[DONE]"
BEARER = "key"

DESCRIPTION = """\
Any OpenAI client works with `/v1` (or `/api/v1`) as its base URL.

Requests and replies are OpenAI's; members of a request that are not named here are passed on to the provider. A path
that answers GET answers HEAD too, and every path OPTIONS. Every error is
`{"error": {"message", "type", "param", "code"}}`, and every reply has `x-request-id`.
"""


class UndocumentedError(Exception):
    """The rows and the routes are not of the same endpoints; the message says which have no counterpart."""


def document(routes: Routes, endpoints: tuple[Endpoint, ...] = ENDPOINTS) -> Part:
    """The OpenAPI document.

    Args:
        routes: what is served.
        endpoints: the rows.

    Raises:
        UndocumentedError: a route has no row, or a row no route.
    """
    _compare(routes, endpoints)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Sluice",
            "version": version("sluice"),
            "summary": "An OpenAI-compatible AI gateway",
            "description": " ".join(DESCRIPTION.replace("\n\n", "\0").split()).replace("\0", "\n\n"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ".", "description": "Where this document lies"}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": _paths(endpoints),
        "components": {
            "securitySchemes": {
                BEARER: {"type": "http", "scheme": "bearer", "description": "A key of the gateway, `sk-…`"}
            },
            "headers": dict(HEADERS),
            "responses": failures(),
            "schemas": _schemas(endpoints),
        },
    }


def _compare(routes: Routes, endpoints: tuple[Endpoint, ...]) -> None:
    served = {(method, path) for path, methods in routes.items() for method in methods}
    told = {(endpoint.method, path) for endpoint in endpoints for path in endpoint.paths}
    faults = [f"{' '.join(each)} has no row" for each in sorted(served - told)]
    faults += [f"{' '.join(each)} has no route" for each in sorted(told - served)]
    if faults:
        raise UndocumentedError("; ".join(faults))


def _schemas(endpoints: tuple[Endpoint, ...]) -> Part:
    shapes = [
        shape
        for endpoint in endpoints
        for shape in (
            *(endpoint.request, endpoint.form, endpoint.reply, endpoint.event),
            *(answer.reply for answer in endpoint.answers.values()),
        )
        if isinstance(shape, type)
    ]
    return schemas_of([Error, *dict.fromkeys(shapes)])


def _paths(endpoints: tuple[Endpoint, ...]) -> Part:
    paths: dict[str, Part] = {}
    for endpoint in endpoints:
        for path in endpoint.paths:
            paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, path)
    return paths


def _operation(endpoint: Endpoint, path: str) -> Part:
    main = endpoint.paths[0]
    alias = path != main
    found: Part = {
        "operationId": endpoint.id + (f"At{_camel(path)}" if alias else ""),
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "security": [{BEARER: []}] if endpoint.keyed else [],
        "responses": dict(_responses(endpoint, alias=alias)),
    }
    if description := f"The same as `{main}`." if alias else endpoint.description:
        found["description"] = description
    if parameters := list(_parameters(endpoint)):
        found["parameters"] = parameters
    if endpoint.request is not None:
        found["requestBody"] = {"required": True, "content": _bodies(endpoint, endpoint.request)}
    return found


def _bodies(endpoint: Endpoint, request: Shape) -> Part:
    examples = {
        name: {"summary": example.summary, "value": example.body}
        for name, example in endpoint.examples.items()
    }
    content: Part = {JSON: {"schema": reference(request), "examples": examples}}
    if endpoint.form is not None:
        content[FORM] = {"schema": reference(endpoint.form), "examples": examples}
    return content


def _parameters(endpoint: Endpoint) -> Iterator[Part]:
    for parameter in endpoint.parameters:
        examples = {
            name: {"summary": example.summary, "value": example.parameters[parameter["name"]]}
            for name, example in endpoint.examples.items()
            if parameter["name"] in example.parameters
        }
        yield {**parameter, **({"examples": examples} if examples else {})}
    if endpoint.cacheable:
        yield IF_NONE_MATCH


def _responses(endpoint: Endpoint, *, alias: bool) -> Iterator[tuple[str, Part]]:
    usual = [
        *ALWAYS,
        *(CACHING if endpoint.cacheable else ()),
        *(LIMITS if endpoint.keyed else ()),
        *((*ROUTE, *ANSWER) if endpoint.tells_route else ()),
    ]
    successes: dict[int, Part] = {}
    if endpoint.reply is not None:
        headers = referred([*usual, *endpoint.headers])
        successes[200] = {
            "description": "OK",
            "headers": headers,
            "content": _content(endpoint, endpoint.reply),
        }
    for status, answer in endpoint.answers.items():
        successes[status] = {
            "description": answer.description,
            "headers": referred([*usual, *answer.headers]),
            **({} if answer.reply is None else {"content": {JSON: {"schema": reference(answer.reply)}}}),
        }
    if endpoint.links and not alias:
        successes[min(successes)]["links"] = dict(endpoint.links)
    for status in sorted(successes):
        yield str(status), successes[status]
    if endpoint.cacheable:
        unchanged = referred([*ALWAYS, *endpoint.headers, *CACHING])
        yield "304", {"description": "The client has the newest reply", "headers": unchanged}
    for status in sorted(endpoint.failures):
        yield str(int(status)), {"$ref": f"#/components/responses/{response_name(HTTPStatus(status))}"}


def _content(endpoint: Endpoint, reply: Shape | Media) -> Part:
    if isinstance(reply, Mapping):
        return {media: {"schema": dict(schema)} for media, schema in reply.items()}
    content: Part = {JSON: {"schema": reference(reply)}}
    if endpoint.event is not None:
        content[EVENT_STREAM] = {"schema": _event([reference(endpoint.event), reference(Error)])}
    return content


def _event(payloads: Sequence[Part]) -> Part:
    """One server-sent event, in the way of OpenAPI 3.2: 3.1 has no word for a stream, and tools take this for it."""
    payload = {"type": "string", "contentMediaType": JSON, "contentSchema": {"anyOf": list(payloads)}}
    return {
        "description": "One event. The last one of a stream that is whole says `[DONE]`.",
        "type": "object",
        "required": ["data"],
        "properties": {"data": {"anyOf": [{"const": DONE}, payload]}},
    }


def _camel(path: str) -> str:
    return "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", path))

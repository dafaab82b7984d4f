"""The committed OpenAPI document, to hold replies against."""

import functools
import json
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from local_stack import ROOT

FILE = ROOT / "functions" / "docs" / "openapi.json"
DONE = "[DONE]"


@functools.cache
def contract() -> dict[str, Any]:
    """The document."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def check_reply(method: str, path: str, reply: httpx.Response) -> None:
    """A reply is one that the document has for this operation: status, headers, media type, body.

    Args:
        method: the request's.
        path: as the document writes it.
        reply: all of it.
    """
    documented = contract()["paths"][path][method.lower()]["responses"]
    assert str(reply.status_code) in documented, (reply.status_code, reply.text)
    told = _resolved(documented[str(reply.status_code)])
    for name, place in told["headers"].items():
        header = _resolved(place)
        if name in reply.headers:
            _check(header["schema"], reply.headers[name])
        else:
            assert not header["required"], name
    unknown = {name for name in reply.headers if name.startswith("x-")} - told["headers"].keys()
    assert not unknown, f"no word of {unknown}"
    if "content" in told:
        _check_body(told["content"], reply)
    else:
        assert reply.content == b""


def _check_body(content: dict[str, Any], reply: httpx.Response) -> None:
    media = reply.headers["content-type"]
    schemas = {name.replace(" ", ""): body["schema"] for name, body in content.items()}
    schema = schemas.get(media.replace(" ", ""), schemas.get(media.partition(";")[0]))
    assert schema is not None, media
    if media.startswith("text/event-stream"):
        _, payload = schema["properties"]["data"]["anyOf"]
        events = [line.removeprefix("data: ") for line in reply.text.split("\n") if line.startswith("data: ")]
        assert events[-1] == DONE
        for event in events:
            _check(schema, {"data": event})
        for event in events[:-1]:
            _check(payload["contentSchema"], json.loads(event))
    elif media.startswith("application/json"):
        _check(schema, reply.json())
    else:
        _check(schema, reply.text)


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    _, _, place, name = part["$ref"].split("/")
    found: dict[str, Any] = contract()["components"][place][name]
    return found


def _check(schema: dict[str, Any], value: Any) -> None:
    Draft202012Validator({**schema, "components": contract()["components"]}).validate(value)

"""What Bedrock finds wrong with a request: by AWS's own description of its API, and by the rules of conversations.

The description is botocore's: members that there are, types, patterns, lengths, ranges, and that bytes are in base64.
The rules are those of the Converse reference and of the errors that its users met.
"""

import base64
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

OPERATIONS: Mapping[str, str] = {"converse": "Converse", "converse-stream": "ConverseStream"}
BEGINNERS = ("anthropic.",)
"""Makers of models that take a conversation which the assistant begins."""
NOT_DOCUMENT_NAME = re.compile(r"[^a-zA-Z0-9\s()\[\]-]|\s\s")


@functools.cache
def _service() -> ServiceModel:
    session = botocore.session.get_session()
    return ServiceModel(session.get_service_data("bedrock-runtime"), "bedrock-runtime")


def fault_of(operation: str, model: str, body: object) -> str | None:
    """What is wrong with the body of a request; None if nothing is."""
    shape = _service().operation_model(OPERATIONS[operation]).input_shape
    assert isinstance(shape, StructureShape)
    members = {
        name: member for name, member in shape.members.items() if "location" not in member.serialization
    }
    return next(_structure(members, [], body, ""), None) or next(_rules(model, body), None)


def _faults(shape: Shape, value: object, place: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _of_structure(shape, value, place)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        yield from _range(shape, len(value), place)
        for position, element in enumerate(value):
            yield from _faults(shape.member, element, f"{place}[{position}]")
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            yield f"{place} is no map"
            return
        yield from _range(shape, len(value), place)
        for key, element in value.items():
            yield from _faults(shape.key, key, place)
            yield from _faults(shape.value, element, f"{place}.{key}")
    elif isinstance(shape, StringShape):
        yield from _of_text(shape, value, place)
    else:
        yield from _of_scalar(shape, value, place)


def _of_structure(shape: StructureShape, value: object, place: str) -> Iterator[str]:
    if getattr(shape, "is_document_type", False):
        return
    if getattr(shape, "is_tagged_union", False) and isinstance(value, dict) and len(value) != 1:
        yield f"{place} has {len(value)} members of a union"
    yield from _structure(shape.members, shape.required_members, value, place)


def _structure(
    members: Mapping[str, Shape], required: Sequence[str], value: object, place: str
) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place} is no object"
        return
    yield from (f"{place}.{name} is missing" for name in required if name not in value)
    for name, element in value.items():
        if name not in members:
            yield f"{place}.{name} is not known"
        else:
            yield from _faults(members[name], element, f"{place}.{name}")


def _of_text(shape: StringShape, value: object, place: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{place} is no text"
        return
    yield from _range(shape, len(value), place)
    if shape.enum and value not in shape.enum:
        yield f"{place} is none of {shape.enum}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield f"{place} does not match {pattern}"


def _of_scalar(shape: Shape, value: object, place: str) -> Iterator[str]:
    match shape.type_name, value:
        case (("integer" | "long" | "float" | "double"), bool()):
            yield f"{place} is no number"
        case (("integer" | "long"), int(number)):
            yield from _range(shape, number, place)
        case (("float" | "double"), (int() | float()) as number):
            yield from _range(shape, number, place)
        case "boolean", bool():
            pass
        case "blob", str(text):
            try:
                yield from _range(shape, len(base64.b64decode(text, validate=True)), place)
            except ValueError:
                yield f"{place} is no base64"
        case _:
            yield f"{place} is no {shape.type_name}"


def _range(shape: Shape, number: float, place: str) -> Iterator[str]:
    metadata: Mapping[str, Any] = shape.metadata
    if not metadata.get("min", number) <= number <= metadata.get("max", number):
        yield f"{place} is out of range"


def _rules(model: str, body: Any) -> Iterator[str]:
    messages: list[dict[str, Any]] = body.get("messages") or []
    if not messages:
        yield "A conversation must have at least one message"
    previous: dict[str, Any] = {"role": "assistant", "content": []}
    for number, message in enumerate(messages):
        place = f"messages.{number}"
        first = number == 0 and any(maker in model for maker in BEGINNERS)
        if message["role"] == previous["role"] and not first:
            yield (
                f"{place}: A conversation must start with a user message"
                if number == 0
                else f"{place}: roles must alternate"
            )
        yield from _rules_of_message(message, previous, place)
        previous = message
    yield from _rules_of_tools(body, messages)


def _rules_of_message(message: dict[str, Any], previous: dict[str, Any], place: str) -> Iterator[str]:
    content: list[dict[str, Any]] = message["content"]
    if not content:
        yield f"The content field at {place} is empty"
    for position, block in enumerate(content):
        where = f"{place}.content.{position}"
        yield from _blank(block, where)
        for result in block.get("toolResult", {}).get("content", ()):
            yield from _blank(result, where)
        if message["role"] == "assistant" and block.keys() & {"image", "document", "toolResult"}:
            yield f"{where}: not in a turn of the assistant"
        if message["role"] == "user" and block.keys() & {"toolUse", "reasoningContent"}:
            yield f"{where}: not in a turn of the user"
    names = [block["document"]["name"] for block in content if "document" in block]
    if names and not any("text" in block for block in content):
        yield f"{place}: a document needs a text beside it"
    yield from (f"{place}: the name {name} of a document" for name in names if NOT_DOCUMENT_NAME.search(name))
    called = [block["toolUse"]["toolUseId"] for block in previous["content"] if "toolUse" in block]
    answered = [block["toolResult"]["toolUseId"] for block in content if "toolResult" in block]
    if len(set(called)) < len(called):
        yield f"{place}: ids of calls must be unique"
    if sorted(called) != sorted(answered):
        yield f"Expected toolResult blocks at {place}.content for the following Ids: {', '.join(called)}"


def _blank(block: dict[str, Any], place: str) -> Iterator[str]:
    if "text" in block and not block["text"].strip():
        yield f"The text field in the ContentBlock object at {place} is blank"


def _rules_of_tools(body: Any, messages: Sequence[dict[str, Any]]) -> Iterator[str]:
    config = body.get("toolConfig")
    used = any(
        block.keys() & {"toolUse", "toolResult"} for message in messages for block in message["content"]
    )
    if config is None:
        if used:
            yield "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        return
    names = [tool["toolSpec"]["name"] for tool in config["tools"] if "toolSpec" in tool]
    if len(set(names)) < len(names):
        yield "toolConfig.tools: names must be unique"
    for tool in config["tools"]:
        if "toolSpec" in tool and tool["toolSpec"]["inputSchema"]["json"].get("type") != "object":
            yield "toolConfig.tools: inputSchema must be of the type object"
    wanted = config.get("toolChoice", {}).get("tool")
    if wanted and wanted["name"] not in names:
        yield "toolConfig.toolChoice: no such tool"

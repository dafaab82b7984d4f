"""The messages of the Gemini API's requests, by their members; Google refuses all others by name.

Names and shapes are those of https://ai.google.dev/api/generate-content, as far as Gemini's own SDK and the gateway
use them.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from gemini_refusals import RefusedError, unknown_member

type Shape = type | tuple[type, ...] | str | list[str]
"""A JSON type, or the name of a message, or a list of such messages."""

NUMBER = (int, float)
OBJECT = dict
BYTES = bytes
"""A string in base64."""

_SNAKE = re.compile(r"_([a-z])")

MESSAGES: Mapping[str, Mapping[str, Shape]] = {
    "request": {
        "contents": ["content"],
        "systemInstruction": "content",
        "tools": ["tool"],
        "toolConfig": "tool_config",
        "safetySettings": ["safety_setting"],
        "generationConfig": "generation_config",
    },
    "content": {"parts": ["part"], "role": str},
    "part": {
        "text": str,
        "inlineData": "blob",
        "fileData": "file_data",
        "functionCall": "function_call",
        "functionResponse": "function_response",
        "thought": bool,
        "thoughtSignature": BYTES,
    },
    "blob": {"mimeType": str, "data": BYTES},
    "file_data": {"mimeType": str, "fileUri": str},
    "function_call": {"id": str, "name": str, "args": OBJECT},
    "function_response": {"id": str, "name": str, "response": OBJECT},
    "tool": {"functionDeclarations": ["function_declaration"]},
    "function_declaration": {
        "name": str,
        "description": str,
        "parameters": OBJECT,
        "parametersJsonSchema": OBJECT,
    },
    "tool_config": {"functionCallingConfig": "function_calling_config"},
    "function_calling_config": {"mode": str, "allowedFunctionNames": list},
    "safety_setting": {"category": str, "threshold": str},
    "generation_config": {
        "temperature": NUMBER,
        "topP": NUMBER,
        "topK": NUMBER,
        "candidateCount": int,
        "maxOutputTokens": int,
        "stopSequences": list,
        "seed": int,
        "presencePenalty": NUMBER,
        "frequencyPenalty": NUMBER,
        "responseLogprobs": bool,
        "logprobs": int,
        "responseMimeType": str,
        "responseJsonSchema": OBJECT,
        "mediaResolution": str,
        "thinkingConfig": "thinking_config",
        "responseModalities": list,
        "imageConfig": "image_config",
    },
    "image_config": {"aspectRatio": str, "imageSize": str},
    "thinking_config": {"includeThoughts": bool, "thinkingBudget": int, "thinkingLevel": str},
    "embed_batch": {"requests": ["embed_request"]},
    "embed_request": {
        "model": str,
        "content": "content",
        "taskType": str,
        "title": str,
        "outputDimensionality": int,
    },
}


def members_of(value: Any, message: str, place: str = "") -> dict[str, Any]:
    """A message with the members of it, and of those in it, by their JSON names; Google takes ``snake_case``, too.

    Raises:
        RefusedError: a member is not known, or not of its type.
    """
    if not isinstance(value, dict):
        raise RefusedError(f"Invalid value at '{place}' (type.googleapis.com), not an object")
    found = {}
    for given, member in value.items():
        name = _SNAKE.sub(lambda match: match[1].upper(), given)
        shape = MESSAGES[message].get(name)
        if shape is None:
            raise unknown_member(given, place)
        found[name] = _member(member, shape, f"{place}.{name}" if place else name)
    return found


def _member(value: Any, shape: Shape, place: str) -> Any:
    match shape:
        case str():
            return members_of(value, shape, place)
        case [str(inner)]:
            if not isinstance(value, list):
                raise RefusedError(f"Invalid value at '{place}', not an array")
            return [members_of(each, inner, f"{place}[{index}]") for index, each in enumerate(value)]
        case type() | tuple():
            if shape is bytes:
                _check_base64(value, place)
            elif not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
                raise RefusedError(f"Invalid value at '{place}': {value!r}")
            return value
        case _:
            raise AssertionError(shape)


def _check_base64(value: Any, place: str) -> None:
    """Google takes both alphabets, with or without the padding."""
    try:
        text = value.replace("-", "+").replace("_", "/").rstrip("=")
        base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (AttributeError, binascii.Error):
        raise RefusedError(f"Invalid value at '{place}' (TYPE_BYTES), Base64 decoding failed") from None

"""OpenAI's published response schemas, to hold replies against."""

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FILE = Path(__file__).parent.parent / "contract" / "openai-response-schemas.json"


def check_completion(value: Any) -> None:
    """A whole reply of chat completions, with the type each member must have."""
    _validator("CreateChatCompletionResponse").validate(value)


def check_chunk(value: Any) -> None:
    """One chunk of a streamed reply."""
    _validator("CreateChatCompletionStreamResponse").validate(value)


def check_models(value: Any) -> None:
    """The list of models."""
    _validator("ListModelsResponse").validate(value)


def check_error(value: Any) -> None:
    """An error: all four members, and nothing beside the envelope."""
    _validator("ErrorResponse").validate(value)
    assert set(value) == {"error"}, value
    assert set(value["error"]) == {"message", "type", "param", "code"}, value


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    schemas = json.loads(FILE.read_text())
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schemas["$defs"]})

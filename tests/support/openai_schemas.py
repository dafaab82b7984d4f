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


def check_text_completion(value: Any) -> None:
    """A whole reply of the legacy text completions."""
    _text_validator(chunk=False).validate(value)


def check_text_chunk(value: Any) -> None:
    """One chunk of a streamed text completion, for which OpenAI publishes no schema of its own."""
    _text_validator(chunk=True).validate(value)


def check_embeddings(value: Any) -> None:
    """A reply of embeddings whose numbers are in the clear."""
    _validator("CreateEmbeddingResponse").validate(value)


def check_model(value: Any) -> None:
    """One model."""
    _validator("Model").validate(value)


def check_models(value: Any) -> None:
    """The list of models."""
    _validator("ListModelsResponse").validate(value)


def check_images(value: Any) -> None:
    """Pictures."""
    _validator("ImagesResponse").validate(value)


def check_video(value: Any) -> None:
    """A video, made or in the making: of a size that OpenAI has."""
    _validator("VideoResource").validate(value)


def check_videos(value: Any) -> None:
    """A page of videos."""
    _validator("VideoListResource").validate(value)


def check_video_deleted(value: Any) -> None:
    """A video that is gone."""
    _validator("DeletedVideoResource").validate(value)


def check_error(value: Any) -> None:
    """An error: all four members, and nothing beside the envelope."""
    _validator("ErrorResponse").validate(value)
    assert set(value) == {"error"}, value
    assert set(value["error"]) == {"message", "type", "param", "code"}, value


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": _definitions()})


@functools.cache
def _text_validator(*, chunk: bool) -> Draft202012Validator:
    """OpenAI's schema, with null where its own replies have null and the schema forgets it.

    That is for what is known of an echoed prompt's first token, and in chunks until the end is reached.
    """
    definitions = _definitions()
    choice = definitions["CreateCompletionResponse"]["properties"]["choices"]["items"]["properties"]
    logprobs = choice["logprobs"]["anyOf"][0]["properties"]
    for name in ("token_logprobs", "top_logprobs"):
        logprobs[name]["items"] = _or_null(logprobs[name]["items"])
    if chunk:
        choice["finish_reason"] = _or_null(choice["finish_reason"])
        members = definitions["CreateCompletionResponse"]["properties"]
        members["usage"] = _or_null(members["usage"])
    return Draft202012Validator({"$ref": "#/$defs/CreateCompletionResponse", "$defs": definitions})


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _definitions() -> dict[str, Any]:
    definitions: dict[str, Any] = json.loads(FILE.read_text())["$defs"]
    return definitions

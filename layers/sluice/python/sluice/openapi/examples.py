"""Requests as the document shows them; the tests send every one of them to a running gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MODEL = "demo"
"""It answers wherever a gateway runs, without a provider's key."""

EMBEDDING_MODEL = "demo-embedding"
SEEING_MODEL = "gpt-4o-mini"
IMAGE_MODEL = "demo-image"
VIDEO_MODEL = "demo-video"

_HELLO: list[Any] = [{"role": "user", "content": "Hello!"}]

_WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request and the status of its reply.

    Attributes:
        summary: its line in the document.
        status: what it is answered with.
        body: of a POST.
        parameters: of the path, by name.
    """

    summary: str
    status: int = 200
    body: Mapping[str, Any] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


CHAT: Mapping[str, Example] = {
    "whole": Example(summary="A whole reply", body={"model": MODEL, "messages": _HELLO}),
    "stream": Example(
        summary="A streamed reply",
        body={
            "model": MODEL,
            "messages": [
                {"role": "developer", "content": "Answer in one sentence."},
                {"role": "user", "content": "What is a sluice?"},
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_completion_tokens": 100,
        },
    ),
    "vision": Example(
        summary="A question about a picture",
        body={
            "model": SEEING_MODEL,
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is in this picture?"},
                        {
                            "type": "image_url",
                            "image_url": {"url": "data:image/gif;base64,R0lGODlhAQABAAAAACw="},
                        },
                    ],
                }
            ],
        },
    ),
    "tools": Example(
        summary="A tool that the model may call",
        body={
            "model": MODEL,
            "messages": [{"role": "user", "content": "How is the weather in Paris?"}],
            "tools": [_WEATHER],
            "tool_choice": "auto",
        },
    ),
    "tool_result": Example(
        summary="The answer of a tool",
        body={
            "model": MODEL,
            "messages": [
                {"role": "user", "content": "How is the weather in Paris?"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "weather", "arguments": '{"city": "Paris"}'},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "18 °C and sunny"},
            ],
            "tools": [_WEATHER],
        },
    ),
    "json_schema": Example(
        summary="A reply that obeys a JSON Schema",
        body={
            "model": MODEL,
            "messages": [{"role": "user", "content": "Name a city and its country."}],
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "city",
                    "strict": True,
                    "schema": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}, "country": {"type": "string"}},
                        "required": ["city", "country"],
                        "additionalProperties": False,
                    },
                },
            },
        },
    ),
    "unknown_model": Example(
        summary="A model that does not exist (404)", status=404, body={"model": "gpt-0", "messages": _HELLO}
    ),
}

API_CHAT: Mapping[str, Example] = {
    "shortest": Example(summary="Nothing but a message", body={"messages": _HELLO}),
    "stream": Example(summary="A streamed reply", body={"messages": _HELLO, "stream": True}),
}

COMPLETIONS: Mapping[str, Example] = {
    "whole": Example(summary="A text, continued", body={"model": MODEL, "prompt": "Once upon a time"}),
    "stream": Example(
        summary="A streamed reply",
        body={"model": MODEL, "prompt": "Once upon a time", "max_tokens": 50, "stop": ["\n"], "stream": True},
    ),
    "unknown_model": Example(
        summary="A model that does not exist (404)", status=404, body={"model": "gpt-0", "prompt": "Hello"}
    ),
}

EMBEDDINGS: Mapping[str, Example] = {
    "one": Example(summary="One text", body={"model": EMBEDDING_MODEL, "input": "The food was delicious."}),
    "several": Example(
        summary="Several texts, their vectors in base64",
        body={"model": EMBEDDING_MODEL, "input": ["One text", "Another one"], "encoding_format": "base64"},
    ),
    "unknown_model": Example(
        summary="A model that does not exist (404)", status=404, body={"model": "gpt-0", "input": "Hello"}
    ),
}

MODEL_ID: Mapping[str, Example] = {
    "id": Example(summary="A model by its id", parameters={"id": SEEING_MODEL}),
    "alias": Example(
        summary="A model by an alias, with a slash", parameters={"id": f"openai/{SEEING_MODEL}"}
    ),
    "unknown": Example(summary="A model that does not exist (404)", status=404, parameters={"id": "gpt-0"}),
}

IMAGES: Mapping[str, Example] = {
    "link": Example(
        summary="Two pictures, as links", body={"model": IMAGE_MODEL, "prompt": "A sluice at dawn", "n": 2}
    ),
    "inline": Example(
        summary="A picture in the reply",
        body={"model": IMAGE_MODEL, "prompt": "A sluice", "size": "1024x1024", "response_format": "b64_json"},
    ),
    "job": Example(
        summary="A job that makes a picture (202)",
        status=202,
        body={"model": IMAGE_MODEL, "prompt": "A sluice in winter", "async": True},
    ),
    "unknown_model": Example(
        summary="A model that does not exist (404)", status=404, body={"model": "gpt-0", "prompt": "A sluice"}
    ),
}

VIDEOS: Mapping[str, Example] = {
    "video": Example(
        summary="A second of video", body={"model": VIDEO_MODEL, "prompt": "A sluice opens", "seconds": "1"}
    ),
    "unknown_model": Example(
        summary="A model that does not exist (404)", status=404, body={"model": "gpt-0", "prompt": "A sluice"}
    ),
}

VIDEO_TASKS: Mapping[str, Example] = {
    "task": Example(
        summary="The same picture whenever the seed is the same",
        body={"model": VIDEO_MODEL, "prompt": "A sluice opens", "seconds": 1, "seed": 0},
    ),
}

NO_IMAGE_JOB: Mapping[str, Example] = {
    "unknown": Example(
        summary="A job that does not exist, or is another owner's (404)",
        status=404,
        parameters={"id": f"image_{0:032x}"},
    )
}
NO_VIDEO: Mapping[str, Example] = {
    "unknown": Example(
        summary="A video that does not exist, or is another owner's (404)",
        status=404,
        parameters={"id": f"video_{0:032x}"},
    )
}
NO_CALLBACK: Mapping[str, Example] = {
    "unknown": Example(
        summary="An address that no provider was told (404)",
        status=404,
        parameters={"id": f"video_{0:032x}", "secret": "none"},
    )
}

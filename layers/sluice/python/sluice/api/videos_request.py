"""POST /v1/videos and /v1/videos/generations: a prompt in, a job that makes a video out.

The first is OpenAI's (``seconds``, ``size``, ``input_reference``; the SDKs send a form), the second has ``seed`` and
whatever else models of this kind take. Both make the same jobs.

Source: https://platform.openai.com/docs/api-reference/videos/create.
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from sluice.api.images_request import Prompt, Size, WebhookAddress
from sluice.api.model_request import ModelRequest
from sluice.api.shapes import WHOLE, RequestShape

MOST_SECONDS = 600
_MOST_SEED = 2**53 - 1
_DIGITS = re.compile(r"[0-9]{1,15}")


def _number(value: Any) -> Any:
    """OpenAI's SDKs send seconds as a string, and a form has nothing else."""
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


def _schema(least: int, most: int, text: str) -> WithJsonSchema:
    """That of a number that may be a text."""
    number = {"type": "integer", "minimum": least, "maximum": most}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": text, "maxLength": 15}]})


SECONDS_TEXT = "^0*([1-9]|[1-9][0-9]|[1-5][0-9][0-9]|600)$"
"""Seconds as a text."""

Seconds = Annotated[
    int,
    Field(ge=1, le=MOST_SECONDS),
    BeforeValidator(_number),
    WHOLE,
    _schema(1, MOST_SECONDS, SECONDS_TEXT),
]
Seed = Annotated[
    int,
    Field(ge=0, le=_MOST_SEED),
    BeforeValidator(_number),
    WHOLE,
    _schema(0, _MOST_SEED, "^[0-9]+$"),
]


class ReferenceImage(RequestShape):
    """A picture that a video begins with: a ``data:`` URL. A form's file is made into one."""

    image_url: Annotated[str, Field(min_length=1)]


class VideosRequest(ModelRequest):
    """A video to be made. What is not given is the model's own choice, but for the seconds, which are paid for."""

    prompt: Prompt
    seconds: Seconds | None = None
    size: Size | None = None
    quality: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    seed: Seed | None = None
    negative_prompt: Annotated[str, Field(max_length=32_000)] | None = None
    input_reference: ReferenceImage | None = None
    user: str | None = None
    webhook_url: WebhookAddress | None = None

"""Requests as forms, where members are texts and may be files."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from sluice.api.images_request import Prompt, Size, WebhookAddress
from sluice.api.model_request import ModelRequest

Digits = Annotated[str, Field(pattern="^[0-9]+$", max_length=6)]
FILE: dict[str, Any] = {"type": "string", "format": "binary"}


class VideosForm(ModelRequest):
    """A video to be made, as OpenAI's SDKs ask for it. Other members are those of ``VideosRequest``, as texts."""

    prompt: Prompt
    seconds: Digits | None = None
    size: Size | None = None
    input_reference: Annotated[
        bytes | None,
        WithJsonSchema(FILE),
        Field(description="A picture that the video begins with, of a type such as image/png"),
    ] = None
    webhook_url: WebhookAddress | None = None

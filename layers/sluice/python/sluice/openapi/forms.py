"""Requests as forms, where members are texts and may be files."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from sluice.api.images_request import Prompt, Size, WebhookAddress
from sluice.api.model_request import ModelRequest
from sluice.api.videos_request import SECONDS_TEXT

Seconds = Annotated[str, Field(pattern=SECONDS_TEXT, max_length=15)]
FILE: dict[str, Any] = {"type": "string", "format": "binary"}

OTHERS: dict[str, Any] = {
    "additionalProperties": {"type": "string"},
    "propertyNames": {"pattern": r"^[^\[\]]+$"},
}
"""What other fields are."""


class VideosForm(ModelRequest):
    """A video to be made, as OpenAI's SDKs ask for it. Other members are those of ``VideosRequest``, as texts.

    A form has no null: what is not wanted is left out.
    """

    model_config = ConfigDict(json_schema_extra=OTHERS)

    prompt: Prompt
    seconds: Seconds | SkipJsonSchema[None] = None
    size: Size | SkipJsonSchema[None] = None
    input_reference: Annotated[
        bytes | None,
        WithJsonSchema(FILE),
        Field(description="A picture that the video begins with, of a type such as image/png"),
    ] = None
    webhook_url: WebhookAddress | SkipJsonSchema[None] = None

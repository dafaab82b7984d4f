"""POST /v1/images/generations: a prompt in, pictures out.

OpenAI's members, those of reference implementations of diffusion models (``steps``, ``seed``, ``negative_prompt``), and
two of the gateway's own (``async``, ``webhook_url``). Which of them a model's provider can express it declares
(``providers.media_features``).

Source: https://platform.openai.com/docs/api-reference/images/create.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from sluice.api.model_request import ModelRequest
from sluice.api.shapes import WHOLE

ImageFormat = Literal["url", "b64_json"]
MOST_IMAGES = 10
_SIZE = r"auto|[1-9][0-9]{1,4}x[1-9][0-9]{1,4}"
_IS_SIZE = re.compile(_SIZE)


def _is_size(value: str) -> str:
    if not _IS_SIZE.fullmatch(value):
        raise PydanticCustomError(
            "size", "Input should be 'auto', or a width and a height such as '1024x1024'"
        )
    return value


Size = Annotated[str, AfterValidator(_is_size), WithJsonSchema({"type": "string", "pattern": f"^({_SIZE})$"})]
Prompt = Annotated[str, Field(min_length=1, max_length=32_000)]
WebhookAddress = Annotated[str, Field(min_length=1, max_length=2_000)]


class ImagesRequest(ModelRequest):
    """Pictures to be made. ``async`` gives a job to poll instead of the pictures, as ``Prefer: respond-async`` does."""

    prompt: Prompt
    n: Annotated[int, Field(ge=1, le=MOST_IMAGES), WHOLE] | None = None
    size: Size | None = None
    quality: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    steps: Annotated[int, Field(ge=1, le=1_000), WHOLE] | None = None
    seed: Annotated[int, Field(ge=0, le=2**53 - 1), WHOLE] | None = None
    negative_prompt: Annotated[str, Field(max_length=32_000)] | None = None
    style: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: Annotated[int, Field(ge=0, le=100), WHOLE] | None = None
    moderation: Literal["low", "auto"] | None = None
    response_format: ImageFormat | None = None
    user: str | None = None
    asynchronous: Annotated[bool | None, Field(alias="async")] = None
    webhook_url: WebhookAddress | None = None

    @property
    def count(self) -> int:
        """How many pictures."""
        return self.n or 1

    @property
    def format(self) -> ImageFormat:
        """In which form the pictures are wanted."""
        return self.response_format or "url"

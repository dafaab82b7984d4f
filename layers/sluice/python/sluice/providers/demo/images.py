"""Pictures by the demo model: OpenAI's format, for an address that this process answers itself.

It draws, and understands nothing: the picture depends on the prompt, the negative prompt and the seed, and is as large
as it is to be; ``steps`` are its shapes, and ``quality`` is how fine its gradient is.
"""

import base64
from dataclasses import replace
from typing import Final

from pydantic_core import to_json

from sluice.api.images_request import ImagesRequest
from sluice.providers.contract import Media, ProviderCall, UpstreamRequest
from sluice.providers.demo.drawing import DEFAULT_PIXELS, DEFAULT_STEPS, SIDES, STEPS, Drawing, png
from sluice.providers.openai import images as openai
from sluice.providers.openai.image_dialect import ImageDialect
from sluice.providers.pictures import no_such_size, pixels_of, said

_SHADES: Final = {"standard": 16, "hd": 32}

DIALECT: Final = ImageDialect(
    members=frozenset({"size", "quality", "steps", "seed", "negative_prompt", "output_format"}),
    ranges={"steps": STEPS},
    words={"quality": tuple(_SHADES), "output_format": ("png",)},
)
FEATURES: Final = DIALECT.features


def upstream_request(call: ProviderCall[ImagesRequest], index: int) -> UpstreamRequest:
    """The request as OpenAI's format has it, for this process's own address; without a seed it is the index.

    Raises:
        InvalidRequestError: it does not draw pictures of that size, or in so many steps.
    """
    least, most = SIDES
    pixels = pixels_of(call.request)
    if pixels is not None and not all(least <= side <= most for side in pixels):
        raise no_such_size(call.request, f"its sides are from {least} to {most}")
    request = call.request.model_copy(update={"seed": call.request.seed or 0})
    asked = replace(call, request=request, target=replace(call.target, credential=None))
    return openai.upstream_request(asked, index, DIALECT)


def picture(body: bytes, call: ProviderCall[ImagesRequest]) -> Media:
    """See ``ImageOperation``."""
    return openai.picture(body, call)


def reply_body(request: ImagesRequest, created: int) -> bytes:
    """The reply to such a request, with one picture in base64."""
    width, height = pixels_of(request) or DEFAULT_PIXELS
    drawing = Drawing(
        words=(request.prompt, request.negative_prompt or "", str(request.seed)),
        width=width,
        height=height,
        steps=request.steps or DEFAULT_STEPS,
        shades=_SHADES[said(request.quality) or "standard"],
    )
    content = base64.b64encode(png(drawing)).decode()
    return to_json({"created": created, "data": [{"b64_json": content}]})

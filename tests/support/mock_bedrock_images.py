"""Pictures as Bedrock's models make them: Amazon's Nova Canvas, and those of Stability AI.

Source: https://docs.aws.amazon.com/nova/latest/userguide/image-gen-req-resp-structure.html, …/image-gen-errors.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-diffusion-3-5-large.html.
"""

import base64
from typing import Any

from mock_images import FORBIDDEN, UNSHOWN, picture_of

CANVAS = "amazon.nova-canvas-v1:0"
STABLE = "stability.sd3-5-large-v1:0"
STABLE_HEREABOUTS = "us.stability.sd3-5-large-v1:0"
IMAGE_MODELS = (CANVAS, STABLE, STABLE_HEREABOUTS)

BLOCKED = "This request has been blocked by our content filters. Please adjust your text prompt to submit a new request."
ALL_BLOCKED = "All of the generated images have been blocked by our content filters."
RATIOS = ("16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21")


class MalformedError(Exception):
    """A request that Bedrock refuses, with its words."""


def invoked(model: str, body: dict[str, Any]) -> dict[str, Any]:
    """The reply to a request.

    Raises:
        MalformedError: the model would not take it.
    """
    return _canvas(dict(body)) if "nova-canvas" in model else _stable(dict(body))


def _canvas(body: dict[str, Any]) -> dict[str, Any]:
    params, config = dict(body.pop("textToImageParams", {})), dict(body.pop("imageGenerationConfig", {}))
    text, negative = params.pop("text", ""), params.pop("negativeText", None)
    _must(
        body == {"taskType": "TEXT_IMAGE"} and bool(text) and not params,
        "required key [taskType] or an extraneous key",
    )
    for words in (text, negative):
        _must(
            words is None or (isinstance(words, str) and 1 <= len(words) <= 1024), "expected maxLength: 1024"
        )
    width, height = config.pop("width", 1024), config.pop("height", 1024)
    for side in (width, height):
        _must(isinstance(side, int) and 320 <= side <= 4096 and side % 16 == 0, f"{side} is no side")
    _must(width * height < 4_194_304 and 1 / 4 <= width / height <= 4, "the dimensions are not supported")
    seed = config.pop("seed", 12)
    _must(isinstance(seed, int) and 0 <= seed <= 858_993_459, f"{seed} is not less or equal to 858993459")
    _must(config.pop("quality", "standard") in ("standard", "premium"), "quality is no valid enum value")
    _must(1.1 <= config.pop("cfgScale", 6.5) <= 10, "cfgScale is out of range")
    number = config.pop("numberOfImages", 1)
    _must(number in range(1, 6) and not config, "an extraneous key is not permitted")
    _must(FORBIDDEN not in text, BLOCKED)
    if UNSHOWN in text:
        return {"images": [], "error": ALL_BLOCKED}
    return {"images": [_encoded(text, seed)] * number, "error": None}


def _stable(body: dict[str, Any]) -> dict[str, Any]:
    prompt, seed = body.pop("prompt", ""), body.pop("seed", 0)
    _must(isinstance(prompt, str) and 1 <= len(prompt) <= 10_000, "prompt: too long or too short")
    _must(isinstance(seed, int) and 0 <= seed <= 4_294_967_294, "seed: out of range")
    _must(body.pop("aspect_ratio", "1:1") in RATIOS, "aspect_ratio: no such ratio")
    _must(body.pop("output_format", "png") in ("png", "jpeg"), "output_format: no such format")
    _must(body.pop("mode", "text-to-image") == "text-to-image", "mode: an image is required")
    negative = body.pop("negative_prompt", "x")
    _must(isinstance(negative, str) and len(negative) <= 10_000 and not body, "extra keys are not permitted")
    if FORBIDDEN in prompt:
        return {"finish_reasons": ["Filter reason: prompt"]}
    if UNSHOWN in prompt:
        return {"seeds": [seed], "finish_reasons": ["Filter reason: output image"], "images": [""]}
    return {"seeds": [seed or 7], "finish_reasons": [None], "images": [_encoded(prompt, seed or 7)]}


def _encoded(prompt: str, seed: int) -> str:
    return base64.b64encode(picture_of(prompt, seed)).decode()


def _must(holds: bool, words: str) -> None:
    if not holds:
        raise MalformedError(f"Malformed input request: {words}, please reformat your input and try again.")

"""Pictures by InvokeModel: each family of models has a format of its own, which its id tells.

Amazon's Nova Canvas says in an ``error`` of a good reply that its filter has taken the picture away; the models of
Stability AI say so in ``finish_reasons``. What Nova's filter finds in a prompt is told in prose only, so that it is no
more than a bad request here.

Source: https://docs.aws.amazon.com/nova/latest/userguide/image-gen-req-resp-structure.html, …/image-gen-errors.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-stability-diffusion.html.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sluice.api.images_request import ImagesRequest
from sluice.errors import InvalidRequestError, UnsupportedParameterError, UpstreamError
from sluice.providers.bedrock.requests import post
from sluice.providers.contract import Media, ProviderCall, UpstreamRequest
from sluice.providers.media_features import MediaFeatures, asked_for
from sluice.providers.pictures import (
    check_value,
    decoded,
    extra_of,
    inexpressible,
    no_such_size,
    none_made,
    pixels_of,
    refused,
    said,
    seed_of,
)
from sluice.providers.reading import parsed_object

type Call = ProviderCall[ImagesRequest]

ASPECT_RATIO: Final = "aspect_ratio"
CFG_SCALE: Final = "cfg_scale"

_NOVA_TEXT = 1024
_NOVA_SEED = 858_993_459
_NOVA_SIDES = (320, 4096)
_NOVA_PIXELS = 4_194_304
_NOVA_STEP = 16
_NOVA_SIZES = (
    "its sides are multiples of 16 from 320 to 4096, one is no longer than four times the other, and they have "
    "fewer than 4194304 pixels"
)

_STABILITY_TEXT = 10_000
_STABILITY_SEEDS = (1, 4_294_967_294)
"""0 is there for any seed."""
_STABILITY_RATIOS = ("1:1", "16:9", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21")
_FILTERED = frozenset({"Filter reason: prompt", "Filter reason: output image", "Filter reason: input image"})


def upstream_request(call: Call, index: int) -> UpstreamRequest:
    """The prompt in the format of the model's family.

    Raises:
        UnsupportedParameterError: the family has no way to say it, or is unknown.
        InvalidRequestError: a value that it does not take.
    """
    family = _family(call.target.model)
    for member in asked_for(call.request):
        if member not in family.members:
            raise inexpressible(member)
    return post(call, "invoke", family.write(call.request, index))


def picture(body: bytes, call: Call) -> Media:
    """The picture of a reply in the format of the model's family.

    Raises:
        SluiceError: it holds none.
    """
    return _family(call.target.model).read(parsed_object(body))


def _nova(request: ImagesRequest, index: int) -> dict[str, Any]:
    quality = said(request.quality)
    check_value("quality", quality, "standard", "premium")
    _check_length("prompt", request.prompt, _NOVA_TEXT)
    _check_length("negative_prompt", request.negative_prompt, _NOVA_TEXT)
    width, height = _nova_pixels(request) or (None, None)
    texts = {"text": request.prompt, "negativeText": request.negative_prompt or None}
    config = {
        "numberOfImages": 1,
        "width": width,
        "height": height,
        "quality": quality,
        "cfgScale": _cfg_scale(request),
        "seed": seed_of(request, index, _NOVA_SEED),
    }
    return {
        "taskType": "TEXT_IMAGE",
        "textToImageParams": _given(texts),
        "imageGenerationConfig": _given(config),
    }


def _nova_pixels(request: ImagesRequest) -> tuple[int, int] | None:
    pixels = pixels_of(request)
    if pixels is None:
        return None
    short, long = sorted(pixels)
    least, most = _NOVA_SIDES
    fits = least <= short and long <= most and long <= 4 * short and short * long < _NOVA_PIXELS
    if not fits or any(side % _NOVA_STEP for side in pixels):
        raise no_such_size(request, _NOVA_SIZES)
    return pixels


def _cfg_scale(request: ImagesRequest) -> object:
    """How closely the prompt is followed. Source: the range of the user guide, 1.1 to 10."""
    scale = extra_of(request, CFG_SCALE)
    if scale is not None and (
        isinstance(scale, bool) or not isinstance(scale, int | float) or not 1.1 <= scale <= 10
    ):
        raise InvalidRequestError(
            f"The model's provider takes '{CFG_SCALE}' from 1.1 to 10.", param=CFG_SCALE
        )
    return scale


def _of_nova(raw: Mapping[str, Any]) -> Media:
    match raw.get("images"):
        case [content, *_]:
            return decoded(content)
        case _:
            raise refused() if raw.get("error") else none_made()


def _stability(sizes: Mapping[str, str]) -> Callable[[ImagesRequest, int], dict[str, Any]]:
    """How a model is asked whose sizes, where they are known, are these."""

    def write(request: ImagesRequest, index: int) -> dict[str, Any]:
        _check_length("prompt", request.prompt, _STABILITY_TEXT)
        _check_length("negative_prompt", request.negative_prompt, _STABILITY_TEXT)
        check_value("output_format", request.output_format, "png", "jpeg")
        size, ratio = said(request.size), extra_of(request, ASPECT_RATIO)
        check_value(ASPECT_RATIO, ratio, *_STABILITY_RATIOS)
        if size is not None:
            if size not in sizes:
                raise no_such_size(request, f"ask for an {ASPECT_RATIO}")
            if ratio not in (None, sizes[size]):
                raise InvalidRequestError("A size has its own aspect ratio.", param=ASPECT_RATIO)
            ratio = sizes[size]
        least, most = _STABILITY_SEEDS
        body = {
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt or None,
            "mode": "text-to-image",
            ASPECT_RATIO: ratio,
            "output_format": request.output_format,
            "seed": seed_of(request, index, most, least),
        }
        return _given(body)

    return write


def _of_stability(raw: Mapping[str, Any]) -> Media:
    match raw.get("finish_reasons"):
        case [str(reason), *_] if reason in _FILTERED:
            raise refused()
        case [str(), *_]:
            raise UpstreamError("The model failed at the provider.")
        case _:
            pass
    match raw.get("images"):
        case [content, *_]:
            return decoded(content)
        case _:
            raise none_made()


def _check_length(member: str, text: str | None, most: int) -> None:
    if len(text or "") > most:
        raise InvalidRequestError(
            f"The model's provider takes a '{member}' of at most {most} characters.", param=member
        )


def _given(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True)
class _Family:
    """How a family of models is asked, and answers; ``members`` are those that it knows."""

    members: frozenset[str]
    write: Callable[[ImagesRequest, int], dict[str, Any]]
    read: Callable[[Mapping[str, Any]], Media]


_OF_STABILITY = frozenset({"size", "seed", "negative_prompt", "output_format", ASPECT_RATIO})
_FAMILIES: Final[Mapping[str, _Family]] = {
    "amazon.nova-canvas": _Family(
        frozenset({"size", "quality", "seed", "negative_prompt", CFG_SCALE}), _nova, _of_nova
    ),
    "stability.stable-image-core": _Family(_OF_STABILITY - {"size"}, _stability({}), _of_stability),
    "stability.stable-image-ultra": _Family(_OF_STABILITY, _stability({"1024x1024": "1:1"}), _of_stability),
    "stability.sd3": _Family(_OF_STABILITY, _stability({"1024x1024": "1:1"}), _of_stability),
}
"""By what a model's id holds, with the region's prefix of an inference profile or in an ARN."""

FEATURES: Final = MediaFeatures(frozenset[str]().union(*(each.members for each in _FAMILIES.values())))


def _family(model: str) -> _Family:
    for part, family in _FAMILIES.items():
        if part in model:
            return family
    raise UnsupportedParameterError(
        "The gateway does not know in which form this model is asked for pictures.", param="model"
    )

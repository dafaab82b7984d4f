"""Pictures by Gemini's own models ("Nano Banana"), which are asked as for chat; the Imagen models were shut down.

Each aspect ratio has one size in pixels, and two and four times that where a model makes larger ones: other sizes there
are none. A model that thinks may draw what it thinks of; that is not the picture.

Source: https://ai.google.dev/gemini-api/docs/image-generation, https://ai.google.dev/api/generate-content.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sluice.api.images_request import ImagesRequest
from sluice.errors import InvalidRequestError
from sluice.providers.contract import Media, ProviderCall, UpstreamRequest
from sluice.providers.gemini.failures import raise_reported
from sluice.providers.gemini.replies import FINISH_REASONS
from sluice.providers.gemini.requests import post
from sluice.providers.media_features import MediaFeatures
from sluice.providers.pictures import check_value, decoded, extra_of, no_such_size, none_made, refused, said
from sluice.providers.reading import objects_of, parsed_object

type Call = ProviderCall[ImagesRequest]

ASPECT_RATIO: Final = "aspect_ratio"
FEATURES: Final = MediaFeatures(frozenset({"size", ASPECT_RATIO}))

_PIXELS: Mapping[str, tuple[int, int]] = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:2": (1264, 848),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "4:5": (928, 1152),
    "5:4": (1152, 928),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
}
RATIOS: Final = (*_PIXELS, "1:4", "4:1", "1:8", "8:1")
"""Of the last ones the pixels are not told, so they cannot be asked for by a size."""

_LARGER: Mapping[str | None, int] = {None: 1, "2K": 2, "4K": 4}
SIZES: Final[Mapping[str, tuple[str, str | None]]] = {
    f"{width * times}x{height * times}": (ratio, name)
    for name, times in _LARGER.items()
    for ratio, (width, height) in _PIXELS.items()
}
"""By size: its aspect ratio and Google's word for its resolution, which older models do not know, so that there is none
for the usual one."""


def upstream_request(call: Call, index: int) -> UpstreamRequest:
    """One message, and how the picture is to be; ``index`` says nothing to a model that takes no seed.

    Raises:
        InvalidRequestError: a size or an aspect ratio that there is not, or both.
    """
    request = call.request
    config: dict[str, Any] = {"responseModalities": ["IMAGE"]}
    form = _form(request)
    if form:
        config["imageConfig"] = form
    content = {"role": "user", "parts": [{"text": request.prompt}]}
    return post(call.target, "generateContent", {"contents": [content], "generationConfig": config})


def _form(request: ImagesRequest) -> Mapping[str, object]:
    size, ratio = said(request.size), extra_of(request, ASPECT_RATIO)
    if size is not None and ratio is not None:
        raise InvalidRequestError("A size has its own aspect ratio: give one of them.", param=ASPECT_RATIO)
    check_value(ASPECT_RATIO, ratio, *RATIOS)
    if size is None:
        return {} if ratio is None else {"aspectRatio": ratio}
    if size not in SIZES:
        raise no_such_size(request, ", ".join(SIZES))
    ratio, resolution = SIZES[size]
    return {"aspectRatio": ratio} | ({} if resolution is None else {"imageSize": resolution})


def picture(body: bytes, _: Call) -> Media:
    """The picture in a reply.

    Raises:
        SluiceError: it has none, because prompt or picture were refused, say.
    """
    raw = parsed_object(body)
    raise_reported(raw)
    feedback = raw.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        raise refused()
    for candidate in objects_of(raw.get("candidates")):
        for content in _drawn(candidate):
            return decoded(content)
        reason, words = candidate.get("finishReason"), candidate.get("finishMessage")
        if isinstance(reason, str) and FINISH_REASONS.get(reason) == "content_filter":
            raise refused(words if isinstance(words, str) else None)
    raise none_made()


def _drawn(candidate: Mapping[str, Any]) -> Iterator[object]:
    content = candidate.get("content")
    for part in objects_of(content.get("parts") if isinstance(content, dict) else None):
        data = part.get("inlineData")
        if isinstance(data, dict) and part.get("thought") is not True:
            yield data.get("data")

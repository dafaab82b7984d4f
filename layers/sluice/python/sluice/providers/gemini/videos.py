"""Videos by Veo: an operation that runs for minutes, and a file that is there for two days.

A size stands for an aspect ratio and a resolution. The address of the file is Google's own, wants the key as well, and
leads elsewhere.

Source: https://ai.google.dev/gemini-api/docs/video, https://ai.google.dev/api/models#method:-models.predictlongrunning
and the mappings of google-genai 1.x (3.x has given these calls up).
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from sluice.api.videos_request import VideosRequest
from sluice.errors import InvalidRequestError, SluiceError, UpstreamError
from sluice.providers.contract import (
    Errand,
    Made,
    Media,
    NotMade,
    Polled,
    ProviderCall,
    Remote,
    Running,
    Submitted,
    Target,
    UpstreamRequest,
)
from sluice.providers.films import first_frame, no_such_film, no_such_length, reference_of
from sluice.providers.gemini.failures import raise_reported
from sluice.providers.gemini.requests import get, headers_with_key, post
from sluice.providers.media_features import MediaFeatures
from sluice.providers.pictures import check_range, check_value, decoded, linked, refused, said
from sluice.providers.reading import objects_of, parsed_object

type Call = ProviderCall[VideosRequest]

PERSON_GENERATION: Final = "person_generation"
FEATURES: Final = MediaFeatures(
    frozenset({"seconds", "size", "seed", "negative_prompt", "input_reference", PERSON_GENERATION})
)
REPEATABLE: Final = False
CALLS_BACK: Final = False

PICTURES: Final = ("image/png", "image/jpeg", "image/webp")
PEOPLE: Final = ("allow_all", "allow_adult", "dont_allow")
MOST_SEED: Final = 2**32 - 1

_HD = "720p"
SIZES: Final[Mapping[str, tuple[str, str]]] = {
    "1280x720": ("16:9", _HD),
    "720x1280": ("9:16", _HD),
    "1920x1080": ("16:9", "1080p"),
    "1080x1920": ("9:16", "1080p"),
    "3840x2160": ("16:9", "4k"),
    "2160x3840": ("9:16", "4k"),
}
"""By size: the aspect ratio, and Google's word for the resolution."""

_LENGTHS = (4, 6, 8)
_LARGE_LENGTH = 8
"""The only length of what is larger than 720p."""

_OLDER = "veo-2"
_OLDER_LENGTHS = (5, 6, 7, 8)
"""Veo 2, which has no other resolution than 720p, and no word for it."""

_NAME = re.compile(r"(models/[A-Za-z0-9._-]+/)?operations/[A-Za-z0-9._-]+")
"""Of an operation: it is asked for by its name as a path."""

_STATUSES: Mapping[int, str] = {
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    11: "OUT_OF_RANGE",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    16: "UNAUTHENTICATED",
}
"""An operation's error has gRPC's number where a reply of HTTP has its own and the name."""


def upstream_request(call: Call, errand: Errand) -> UpstreamRequest:
    """One prompt, and how the video is to be.

    Raises:
        InvalidRequestError: a value that Veo does not take.
    """
    del errand  # nothing tells one submission that comes twice from two
    request = call.request
    instance: dict[str, Any] = {"prompt": request.prompt}
    frame = first_frame(request, *PICTURES)
    if frame is not None:
        instance["image"] = {"bytesBase64Encoded": frame.base64, "mimeType": frame.media_type}
    parameters = {
        **_form(call),
        "negativePrompt": request.negative_prompt or None,
        "personGeneration": _people(request),
        "seed": request.seed,
    }
    check_range("seed", request.seed, 0, MOST_SEED)
    given = {name: value for name, value in parameters.items() if value is not None}
    return post(call.target, "predictLongRunning", {"instances": [instance], "parameters": given})


def _form(call: Call) -> dict[str, Any]:
    """Size and length, which go together."""
    request, is_older = call.request, _OLDER in call.target.model
    size, seconds = said(request.size), request.seconds
    sizes = {name: form for name, form in SIZES.items() if form[1] == _HD} if is_older else SIZES
    if size is not None and size not in sizes:
        raise no_such_film(request, ", ".join(sizes))
    ratio, resolution = sizes[size] if size is not None else (None, None)
    lengths: tuple[int, ...] = _OLDER_LENGTHS if is_older else _LENGTHS
    if resolution not in (None, _HD):
        lengths = (_LARGE_LENGTH,)
    if seconds is not None and seconds not in lengths:
        raise no_such_length(" or ".join(map(str, lengths)))
    return {
        "aspectRatio": ratio,
        "resolution": None if is_older else resolution,
        "durationSeconds": seconds,
    }


def _people(request: VideosRequest) -> Any:
    value = (request.model_extra or {}).get(PERSON_GENERATION)
    if value is not None and not isinstance(value, str):
        raise InvalidRequestError(
            f"The model's provider takes '{PERSON_GENERATION}' of {' or '.join(PEOPLE)}.",
            param=PERSON_GENERATION,
        )
    check_value(PERSON_GENERATION, value, *PEOPLE)
    return value


def submitted(body: bytes, call: Call) -> Submitted:
    """The operation's name."""
    del call
    raw = parsed_object(body)
    raise_reported(raw)
    name = reference_of(raw.get("name"))
    if not _NAME.fullmatch(name):
        raise UpstreamError("The provider's answer does not name the video.")
    return Submitted(name)


def poll_request(reference: str, target: Target, now: float) -> UpstreamRequest:
    """Ask for the operation."""
    del now
    return get(target, reference)


def polled(body: bytes, reference: str, target: Target, errand: Errand) -> Polled:
    """An operation that is done has an error, a file, or why there is none."""
    del reference, errand
    raw = parsed_object(body)
    if not raw.get("done"):
        if "name" not in raw:
            raise_reported(raw)
            raise UpstreamError("The provider does not say how the video is.")
        return Running()
    if raw.get("error"):
        return NotMade(_failure_of(raw["error"]))
    response = raw.get("response")
    made = response.get("generateVideoResponse") if isinstance(response, dict) else None
    if not isinstance(made, dict):
        raise UpstreamError("The provider does not say how the video is.")
    for sample in objects_of(made.get("generatedSamples")):
        video = sample.get("video")
        if isinstance(video, dict) and (video.get("uri") or video.get("encodedVideo")):
            return Made(_media(video, target))
    return NotMade(_refusal_of(made))


def _media(video: Mapping[str, Any], target: Target) -> Media:
    uri = video.get("uri")
    if not isinstance(uri, str) or not uri:
        return decoded(video.get("encodedVideo"))
    media = linked(uri, target)
    if isinstance(media, Remote) and _host(uri) == _host(target.base_url):
        keyed = {**headers_with_key(target), "accept": "*/*"}
        return Remote(UpstreamRequest(uri, b"", keyed, "GET"))
    return media


def _host(address: str) -> tuple[str, str]:
    place = urlsplit(address)
    return place.scheme, place.netloc.lower()


def _refusal_of(made: Mapping[str, Any]) -> SluiceError:
    """Why there is no video: Google counts those that its policy has taken away, and says why in words."""
    reasons = made.get("raiMediaFilteredReasons")
    words = [reason for reason in reasons if isinstance(reason, str)] if isinstance(reasons, list) else []
    if words or made.get("raiMediaFilteredCount"):
        return refused(" ".join(words) or None)
    return UpstreamError("The provider could not make the video.", retriable=False)


def _failure_of(error: object) -> SluiceError:
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        error = {"status": _STATUSES.get(error["code"]), **error}
    try:
        raise_reported({"error": error})
    except SluiceError as failure:
        return failure
    return UpstreamError("The provider could not make the video.", retriable=False)


def cancel_request(reference: str, target: Target, now: float) -> UpstreamRequest | None:
    """There is no way to say it."""
    del reference, target, now
    return None

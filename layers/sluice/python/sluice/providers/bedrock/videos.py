"""Videos by StartAsyncInvoke: Bedrock puts them into a bucket of the caller's, here the gateway's own.

It writes as whoever has started it, into a folder that has the invocation's id for its name. A job's id as the client's
token makes one invocation of a submission that comes twice. What went wrong is told in prose only, so that a video
which a filter has taken away is no more than one that was not made here; what it finds in a prompt is told at once.

Amazon's Nova Reel has one format for six seconds, and another for longer videos, which it cuts into shots itself.
Luma's Ray has its own.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_StartAsyncInvoke.html,
https://docs.aws.amazon.com/nova/latest/userguide/video-gen-access.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-luma.html.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sluice.api.videos_request import VideosRequest
from sluice.errors import InvalidRequestError, UnsupportedParameterError, UpstreamError
from sluice.providers.bedrock.requests import encoded, send
from sluice.providers.contract import (
    Errand,
    InBucket,
    Made,
    NotMade,
    Polled,
    ProviderCall,
    Running,
    Submitted,
    Target,
    UpstreamRequest,
)
from sluice.providers.films import (
    REFERENCE,
    check_text,
    first_frame,
    no_such_film,
    no_such_length,
    reference_of,
)
from sluice.providers.media_features import MediaFeatures, asked_for
from sluice.providers.pictures import check_range, inexpressible, said
from sluice.providers.reading import parsed_object

type Call = ProviderCall[VideosRequest]

REPEATABLE: Final = True
CALLS_BACK: Final = False

PICTURES: Final = ("image/png", "image/jpeg")
FILE: Final = "output.mp4"
"""What the video is called in the invocation's folder."""

_SCHEME = "s3://"

_REEL_SIZE = "1280x720"
_REEL_SHOT = 6
_REEL_LONGEST = 120
_REEL_FRAMES = 24
_REEL_SEED = 2_147_483_646
_REEL_TEXT = 512
_REEL_LONG_TEXT = 4_000
_REEL_FIRST = "amazon.nova-reel-v1:0"
"""The first version makes one shot and no more."""

_RAY_TEXT = 5_000
_RAY_LENGTHS: Mapping[int, str] = {5: "5s", 9: "9s"}
_RAY_SIZES: Mapping[str, tuple[str, str]] = {
    "1280x720": ("16:9", "720p"),
    "720x1280": ("9:16", "720p"),
    "960x540": ("16:9", "540p"),
    "540x960": ("9:16", "540p"),
}
"""By size: the aspect ratio, and Luma's word for the resolution."""


def upstream_request(call: Call, errand: Errand) -> UpstreamRequest:
    """Start an invocation, in the format of the model's family.

    Raises:
        UnsupportedParameterError: the family has no way to say it, or is unknown.
        InvalidRequestError: a value that it does not take.
    """
    family = _family(call.target.model)
    for member in asked_for(call.request):
        if member not in family.members:
            raise inexpressible(member)
    place = f"{_SCHEME}{errand.bucket}/{errand.prefix.rstrip('/')}"
    body = {
        "clientRequestToken": errand.job,
        "modelId": call.target.model,
        "modelInput": family.write(call.request, call.target.model),
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": place}},
    }
    return send(call.target, "POST", "async-invoke", call.now, body)


def _reel(request: VideosRequest, model: str) -> dict[str, Any]:
    check_range("seed", request.seed, 0, _REEL_SEED)
    if said(request.size) not in (None, _REEL_SIZE):
        raise no_such_film(request, _REEL_SIZE)
    seconds = request.seconds or _REEL_SHOT
    longest = _REEL_SHOT if _REEL_FIRST in model else _REEL_LONGEST
    if seconds % _REEL_SHOT or seconds > longest:
        known = str(_REEL_SHOT) if longest == _REEL_SHOT else f"6, 12, 18 and so on up to {longest}"
        raise no_such_length(known)
    config: dict[str, Any] = {
        "durationSeconds": seconds,
        "fps": _REEL_FRAMES,
        "dimension": _REEL_SIZE,
    }
    if request.seed is not None:
        config["seed"] = request.seed
    frame = first_frame(request, *PICTURES)
    if seconds > _REEL_SHOT:
        if frame is not None:
            raise InvalidRequestError(
                "The model's provider takes a first picture for videos of 6 seconds alone.", param=REFERENCE
            )
        check_text(request, _REEL_LONG_TEXT)
        return {
            "taskType": "MULTI_SHOT_AUTOMATED",
            "multiShotAutomatedParams": {"text": request.prompt},
            "videoGenerationConfig": config,
        }
    check_text(request, _REEL_TEXT)
    params: dict[str, Any] = {"text": request.prompt}
    if frame is not None:
        params["images"] = [{"format": frame.ending, "source": {"bytes": frame.base64}}]
    return {"taskType": "TEXT_VIDEO", "textToVideoParams": params, "videoGenerationConfig": config}


def _ray(request: VideosRequest, model: str) -> dict[str, Any]:
    del model
    check_text(request, _RAY_TEXT)
    body: dict[str, Any] = {"prompt": request.prompt}
    size = said(request.size)
    if size is not None and size not in _RAY_SIZES:
        raise no_such_film(request, ", ".join(_RAY_SIZES))
    if size is not None:
        body["aspect_ratio"], body["resolution"] = _RAY_SIZES[size]
    if request.seconds is not None:
        if request.seconds not in _RAY_LENGTHS:
            raise no_such_length(" or ".join(map(str, _RAY_LENGTHS)))
        body["duration"] = _RAY_LENGTHS[request.seconds]
    frame = first_frame(request, *PICTURES)
    if frame is not None:
        source = {"type": "base64", "media_type": frame.media_type, "data": frame.base64}
        body["keyframes"] = {"frame0": {"type": "image", "source": source}}
    return body


def submitted(body: bytes, call: Call) -> Submitted:
    """The invocation's ARN."""
    del call
    return Submitted(reference_of(parsed_object(body).get("invocationArn")))


def poll_request(reference: str, target: Target, now: float) -> UpstreamRequest:
    """Ask for the invocation."""
    return send(target, "GET", f"async-invoke/{encoded(reference)}", now)


def polled(body: bytes, reference: str, target: Target, errand: Errand) -> Polled:
    """By its status, which are three."""
    del target
    raw = parsed_object(body)
    match raw.get("status"):
        case "InProgress":
            return Running()
        case "Completed":
            return Made(InBucket(_key(raw.get("outputDataConfig"), reference, errand)))
        case "Failed":
            words = raw.get("failureMessage")
            message = words if isinstance(words, str) and words else "The provider could not make the video."
            return NotMade(UpstreamError(message, retriable=False))
        case _:
            raise UpstreamError("The provider does not say how the video is.")


def _key(config: object, reference: str, errand: Errand) -> str:
    """Where in the bucket the file is: in the invocation's folder, which the answer names, or names what it is in.

    Raises:
        UpstreamError: it is not where it was to be.
    """
    where = config.get("s3OutputDataConfig") if isinstance(config, dict) else None
    address = where.get("s3Uri") if isinstance(where, dict) else None
    bucket = f"{_SCHEME}{errand.bucket}/"
    folder = reference.rpartition("/")[2]
    own = f"{errand.prefix.rstrip('/')}/{folder}"
    if isinstance(address, str) and address.startswith(bucket):
        told = address.removeprefix(bucket).rstrip("/")
        if told in (own, errand.prefix.rstrip("/")):
            return f"{own}/{FILE}"
    raise UpstreamError("The provider's file is not where it was to be.", retriable=False)


def cancel_request(reference: str, target: Target, now: float) -> UpstreamRequest | None:
    """There is no way to say it."""
    del reference, target, now
    return None


@dataclass(frozen=True, slots=True)
class _Family:
    """How a family of models is asked; ``members`` are those that it knows."""

    members: frozenset[str]
    write: Callable[[VideosRequest, str], dict[str, Any]]


_FAMILIES: Final[Mapping[str, _Family]] = {
    "amazon.nova-reel": _Family(frozenset({"seconds", "size", "seed", REFERENCE}), _reel),
    "luma.ray": _Family(frozenset({"seconds", "size", REFERENCE}), _ray),
}
"""By what a model's id holds, with the region's prefix of an inference profile or in an ARN."""

FEATURES: Final = MediaFeatures(frozenset[str]().union(*(each.members for each in _FAMILIES.values())))


def _family(model: str) -> _Family:
    for part, family in _FAMILIES.items():
        if part in model:
            return family
    raise UnsupportedParameterError(
        "The gateway does not know in which form this model is asked for videos.", param="model"
    )

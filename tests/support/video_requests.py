"""Requests for videos as their endpoint understands them, calls with them, and what providers are asked."""

from dataclasses import replace
from typing import Any

from pydantic_core import from_json

from sluice.api.validation import validate
from sluice.api.videos_request import VideosRequest
from sluice.catalog import ModelRow
from sluice.providers.contract import Errand, ProviderCall, Target, UpstreamRequest, VideoOperation
from sluice.providers.media_features import check_media

TARGET = Target("openai", "https://api.example/v1/", "upstream-model", "sk-upstream", {"X-Team": "blue"})
ANY_ROW = ModelRow.model_validate({"id": "m", "kind": "video", "retired": "2026-01-01"})
ERRAND = Errand(job="video_ours", bucket="our-bucket", prefix="jobs/video_ours/made/")
SECONDS = 8
NOW = 1_700_000_000.5


def videos_request(prompt: str = "a cat", **members: Any) -> VideosRequest:
    """To make a video."""
    return validate(VideosRequest, {"model": "asked-for", "prompt": prompt, **members})


def videos_call(prompt: str = "a cat", to: Target = TARGET, **members: Any) -> ProviderCall[VideosRequest]:
    """The same, on its way to a provider."""
    return ProviderCall(videos_request(prompt, **members), to, id="video_ours", now=NOW)


def sent(
    operation: VideoOperation, call: ProviderCall[VideosRequest], errand: Errand = ERRAND
) -> UpstreamRequest:
    """The request that a provider gets, after it was checked what it can express, and with a length, as it always is."""
    check_media(operation.FEATURES, call.request, ANY_ROW)
    seconds = call.request.seconds or SECONDS
    request = call.request.model_copy(update={"seconds": seconds})
    return operation.upstream_request(replace(call, request=request), errand)


def asked(operation: VideoOperation, call: ProviderCall[VideosRequest], errand: Errand = ERRAND) -> Any:
    """Its body."""
    return from_json(sent(operation, call, errand).body)

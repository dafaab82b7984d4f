"""OpenAI's videos format.

Source: https://platform.openai.com/docs/api-reference/videos. OpenAI itself has shut it down; other hosts, vLLM and
SGLang among them, have it still.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from pydantic_core import to_json

from sluice.api.videos_request import VideosRequest
from sluice.errors import SluiceError, UpstreamError
from sluice.providers.contract import (
    Errand,
    Made,
    NotMade,
    Polled,
    ProviderCall,
    Remote,
    Running,
    Submitted,
    Target,
    UpstreamRequest,
)
from sluice.providers.features import HINTS
from sluice.providers.films import (
    REFERENCE,
    check_lengths_passed_on,
    first_frame,
    given_up,
    length_of,
    percent_of,
    reference_of,
)
from sluice.providers.media_features import NEUTRAL, OWN, SECONDS
from sluice.providers.openai.failures import raise_reported
from sluice.providers.openai.requests import bare, post, post_form
from sluice.providers.openai.video_dialect import ANY, VideoDialect
from sluice.providers.reading import parsed_object
from sluice.wire.form_data import Part

type Call = ProviderCall[VideosRequest]

FEATURES: Final = ANY.features
REPEATABLE: Final = False
CALLS_BACK: Final = False

PICTURES: Final = ("image/png", "image/jpeg", "image/webp")
"""Types of pictures that a video may begin with."""

_RUNNING = frozenset({"queued", "in_progress"})
_REFUSALS = frozenset({"content_policy_violation", "moderation_blocked", "content_filter", "sentinel_block"})
_FAULTS = frozenset({"invalid_request_error", "invalid_request", "invalid_prompt", "invalid_image"})


def upstream_request(call: Call, errand: Errand, dialect: VideoDialect = ANY) -> UpstreamRequest:
    """A request in a host's words, for the candidate's model.

    Raises:
        InvalidRequestError: the picture that it is to begin with is none.
    """
    del errand  # nothing tells one submission that comes twice from two
    check_lengths_passed_on(call.request)
    given = call.request.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    body: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if name not in OWN and name not in HINTS and name != REFERENCE and value not in NEUTRAL
    }
    body = {"prompt": call.request.prompt, **body}
    if call.request.seconds is not None:
        body[SECONDS] = str(call.request.seconds)
    frame = first_frame(call.request, *PICTURES)
    if not dialect.as_form:
        if call.request.input_reference is not None:
            body[REFERENCE] = {"image_url": call.request.input_reference.image_url}
        return post(call.target, "/videos", body)
    parts = list(_fields({**body, "model": call.target.model}))
    if frame is not None:
        parts.append(Part(REFERENCE, frame.content, f"reference.{frame.ending}", frame.media_type))
    return post_form(call.target, "/videos", parts, boundary=f"form-{call.id}")


def _fields(body: dict[str, Any]) -> Iterator[Part]:
    """Members as fields of a form: what is no text is as JSON has it."""
    for name, value in body.items():
        yield Part(name, value.encode() if isinstance(value, str) else to_json(value))


def submitted(body: bytes, call: Call) -> Submitted:
    """The video's id."""
    del call
    raw = parsed_object(body)
    raise_reported({} if raw.get("object") == "video" else raw)
    return Submitted(reference_of(raw.get("id")))


def poll_request(reference: str, target: Target, now: float) -> UpstreamRequest:
    """Ask how it is."""
    del now
    return bare(target, _path(reference))


def polled(body: bytes, reference: str, target: Target, errand: Errand) -> Polled:
    """Where it is once it is there; the host wants the key for that, too."""
    del errand
    raw = parsed_object(body)
    match raw.get("status"):
        case str(status) if status in _RUNNING:
            return Running(percent_of(raw.get("progress")))
        case "completed":
            content = bare(target, f"{_path(reference)}/content", accept="*/*")
            return Made(Remote(content), length_of(raw.get(SECONDS)))
        case "failed" | "cancelled":
            return NotMade(_failure_of(raw.get("error")))
        case _:
            raise_reported(raw)
            raise UpstreamError("The provider does not say how the video is.")


def cancel_request(reference: str, target: Target, now: float) -> UpstreamRequest | None:
    """Delete it."""
    del now
    return bare(target, _path(reference), method="DELETE")


def _failure_of(error: object) -> SluiceError:
    code, message = (error.get("code"), error.get("message")) if isinstance(error, dict) else (None, error)
    return given_up(code if isinstance(code, str) else None, message, _REFUSALS, _FAULTS)


def _path(reference: str) -> str:
    return f"/videos/{quote(reference, safe='')}"

"""OpenAI's videos over a socket: forms and JSON, strictly, and what comes of them.

Two models: OpenAI's own, which refuses what it does not know, and one of compatible hosts, which takes a seed and other
members of models of its kind.

Source: https://platform.openai.com/docs/api-reference/videos.
"""

import base64
import email
import email.policy
from typing import Any
from urllib.parse import unquote

from mock_completions import CREATED
from mock_films import (
    FORBIDDEN,
    GARBLED,
    LOST,
    FilmBook,
    Order,
    is_garbled,
    new_id,
    pixels,
)
from mock_http import Exchange, Received

OWN_VIDEO_MODEL = "sora-2"
HOSTED_VIDEO_MODEL = "Wan-AI/Wan2.2-T2V-A14B"
VIDEO_MODELS = (OWN_VIDEO_MODEL, HOSTED_VIDEO_MODEL)

VIDEOS = "/v1/videos"

_SECONDS = ("4", "8", "12")
_SIZES = ("720x1280", "1280x720", "1024x1792", "1792x1024")
_OWN_MEMBERS = frozenset({"model", "prompt", "seconds", "size", "input_reference"})
_HOSTED_MEMBERS = _OWN_MEMBERS | {"seed", "negative_prompt", "guidance_scale"}
_PICTURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
_STATUSES = {
    "running": "in_progress",
    "made": "completed",
    "unshown": "failed",
    "broken": "failed",
    "cancelled": "failed",
}
_ERRORS = {
    "unshown": {
        "code": "moderation_blocked",
        "message": "Your request was blocked by our moderation system.",
    },
    "broken": {"code": "video_generation_failed", "message": "Video generation failed."},
}


class VideoRefusedError(Exception):
    """A request that the service does not take."""

    def __init__(
        self, message: str, param: str | None = None, code: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        kind = "rate_limit_error" if status == 429 else "invalid_request_error"
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


def answer(exchange: Exchange, films: FilmBook) -> tuple[int, dict[str, Any] | bytes] | None:
    """The status and the object, or the file, for a request to any of the paths; None where the answer is lost.

    Raises:
        VideoRefusedError: it is refused.
    """
    received = exchange.received
    match received.method, received.path.removeprefix(VIDEOS).split("/"):
        case "POST", [""]:
            order = _begun(_fields(received), films)
            return None if order is None else (200, _video(order))
        case "GET", ["", identifier] if (order := films.asked(unquote(identifier))) is not None:
            return 200, GARBLED if is_garbled(order) else _video(order)
        case "GET", ["", identifier, "content"] if (order := films.find(unquote(identifier))) is not None:
            if order.state != "made":
                raise VideoRefusedError("Video is not ready yet.", status=404)
            return 200, order.film
        case "DELETE", ["", identifier] if films.drop(unquote(identifier)):
            return 200, {"id": unquote(identifier), "object": "video.deleted", "deleted": True}
        case _:
            raise VideoRefusedError("Video not found.", code="not_found", status=404)


def _begun(fields: dict[str, Any], films: FilmBook) -> Order | None:
    _check(fields)
    prompt = fields["prompt"]
    if FORBIDDEN in prompt:
        raise VideoRefusedError("It was blocked by our moderation system.", code="moderation_blocked")
    if films.turns_away(prompt):
        raise VideoRefusedError("Rate limit reached.", code="rate_limit_exceeded", status=429)
    size = fields.get("size", _SIZES[0])
    order = Order(new_id("video_"), prompt, int(fields.get("seconds", "4")), pixels(size), about=fields)
    films.begin(order)
    return None if LOST in prompt and len(films.of(prompt)) == 1 else order


def _video(order: Order) -> dict[str, Any]:
    state = order.state
    width, height = order.size
    return {
        "id": order.id,
        "object": "video",
        "created_at": CREATED,
        "completed_at": CREATED + 60 if state != "running" else None,
        "expires_at": CREATED + 3600,
        "error": _ERRORS.get(state),
        "model": order.about["model"],
        "progress": order.percent,
        "prompt": order.prompt,
        "remixed_from_video_id": None,
        "seconds": str(order.seconds),
        "size": f"{width}x{height}",
        "status": _STATUSES[state] if order.questions else "queued",
    }


def _fields(received: Received) -> dict[str, Any]:
    """The members, whichever way they came; a picture as its type and its bytes."""
    content_type = received.headers.get("content-type", "")
    if content_type == "application/json":
        if not isinstance(received.json, dict):
            raise VideoRefusedError("We could not parse the JSON body of your request.")
        fields = dict(received.json)
        if (reference := fields.get("input_reference")) is not None:
            head, _, data = str(reference.get("image_url")).partition(";base64,")
            fields["input_reference"] = (head.removeprefix("data:"), base64.b64decode(data))
        return fields
    if not content_type.startswith("multipart/form-data; boundary="):
        raise VideoRefusedError(f"Unsupported content type: '{content_type}'.", status=400)
    start = f"content-type: {content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(start + received.body, policy=email.policy.HTTP)
    fields = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if name in fields:
            raise VideoRefusedError(f"Duplicate parameter: '{name}'.", name)
        is_file = part.get_filename() is not None
        fields[name] = (part.get_content_type(), content) if is_file else content.decode()
    return fields


def _check(fields: dict[str, Any]) -> None:
    model = fields.get("model")
    if model not in VIDEO_MODELS:
        raise VideoRefusedError("Invalid value for 'model'.", "model", "invalid_value")
    unknown = fields.keys() - (_OWN_MEMBERS if model == OWN_VIDEO_MODEL else _HOSTED_MEMBERS)
    if unknown:
        name = min(unknown)
        raise VideoRefusedError(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    if not isinstance(fields.get("prompt"), str) or not fields["prompt"]:
        raise VideoRefusedError(
            "Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter"
        )
    seconds, size = fields.get("seconds"), fields.get("size")
    if seconds is not None and (not isinstance(seconds, str) or not seconds.isdecimal()):
        raise VideoRefusedError("Invalid type for 'seconds'.", "seconds", "invalid_type")
    if model == OWN_VIDEO_MODEL and seconds is not None and seconds not in _SECONDS:
        raise VideoRefusedError("Invalid value for 'seconds'.", "seconds", "invalid_value")
    if model == OWN_VIDEO_MODEL and size is not None and size not in _SIZES:
        raise VideoRefusedError("Invalid value for 'size'.", "size", "invalid_value")
    if "input_reference" in fields:
        media_type, content = fields["input_reference"]
        if media_type not in _PICTURES or not content.startswith(_PICTURES[media_type]):
            raise VideoRefusedError("Invalid input image.", "input_reference", "invalid_image")

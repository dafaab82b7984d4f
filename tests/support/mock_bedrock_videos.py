"""Bedrock's asynchronous invocations: what they take, and what they put into the caller's bucket.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_StartAsyncInvoke.html,
https://docs.aws.amazon.com/nova/latest/userguide/video-gen-access.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-luma.html.
"""

import base64
import json
import re
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote

from mock_films import FORBIDDEN, GARBLED, LOST, FilmBook, Order, is_garbled, new_id
from mock_http import Exchange

REEL = "amazon.nova-reel-v1:1"
RAY = "luma.ray-v2:0"
VIDEO_MODELS = (REEL, RAY)

START = "/async-invoke"
_ARN = "arn:aws:bedrock:eu-central-1:123456789012:async-invoke/"
_PLACE = re.compile(r"s3://([a-z0-9][.a-z0-9-]{1,61}[a-z0-9])/?(.*)")
_TOKEN = re.compile(r"[!-~]{1,256}")

type Deliver = Callable[[str, str, bytes], None]
"""Puts a file into a bucket, under a key."""


class InvalidError(Exception):
    """What Bedrock says in a ``ValidationException``, or in another one."""

    def __init__(self, message: str, name: str = "ValidationException", status: int = 400) -> None:
        super().__init__(message)
        self.name, self.status = name, status


def answer(exchange: Exchange, films: FilmBook, deliver: Deliver) -> Any:
    """The object that answers; None where the answer is lost.

    Raises:
        InvalidError: it is refused.
    """
    received = exchange.received
    if received.method == "POST" and received.path == START:
        return _started(received.json, films)
    if received.method == "GET" and received.path.startswith(f"{START}/"):
        arn = unquote(received.path.removeprefix(f"{START}/"))
        order = films.asked(arn.removeprefix(_ARN))
        if order is None:
            raise InvalidError("Invocation not found", "ValidationException")
        return GARBLED if is_garbled(order) else _invocation(order, deliver)
    raise InvalidError("", "UnknownOperationException", 404)


def _started(body: Any, films: FilmBook) -> Any:
    match body:
        case {
            "modelId": str(model),
            "modelInput": dict(given),
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": str(place)}},
            **rest,
        } if rest.keys() <= {"clientRequestToken", "tags"}:
            token = body.get("clientRequestToken")
        case _:
            raise InvalidError("Malformed input request")
    if model not in VIDEO_MODELS:
        raise InvalidError("The provided model identifier is invalid.")
    if not _PLACE.fullmatch(place) or (token is not None and not _TOKEN.fullmatch(token)):
        raise InvalidError("Malformed input request")
    prompt, seconds = _reel(given) if model == REEL else _ray(given)
    if FORBIDDEN in prompt:
        raise InvalidError("This request has been blocked by our content filters.")
    if films.turns_away(prompt):
        raise InvalidError("Too many requests", "ThrottlingException", 429)
    about = {"model": model, "place": place, "input": given}
    order, is_new = films.begin(Order(new_id(), prompt, seconds, mark=token, about=about))
    if not is_new and order.about != about:
        raise InvalidError("Token was used with other parameters", "ConflictException", 400)
    return None if LOST in prompt and is_new else {"invocationArn": _ARN + order.id}


def _invocation(order: Order, deliver: Deliver) -> dict[str, Any]:
    place = f"{order.about['place'].rstrip('/')}/{order.id}"
    found: dict[str, Any] = {
        "invocationArn": _ARN + order.id,
        "modelArn": f"arn:aws:bedrock:eu-central-1::foundation-model/{order.about['model']}",
        "clientRequestToken": order.mark,
        "status": {"running": "InProgress", "made": "Completed"}.get(order.state, "Failed"),
        "submitTime": "2026-11-29T06:00:00Z",
        "lastModifiedTime": "2026-11-29T06:01:00Z",
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": place}},
    }
    match order.state:
        case "made":
            address = _PLACE.fullmatch(place)
            assert address is not None
            manifest = {"schemaVersion": "1.0", "shots": [{"status": "SUCCESS"}]}
            deliver(address[1], f"{address[2]}/output.mp4", order.film)
            deliver(address[1], f"{address[2]}/manifest.json", json.dumps(manifest).encode())
            found["endTime"] = found["lastModifiedTime"]
        case "unshown":
            found["failureMessage"] = "The generated video has been blocked by our content filters."
        case "broken":
            found["failureMessage"] = "The system encountered an unexpected error."
        case _:
            pass
    return found


def _reel(given: dict[str, Any]) -> tuple[str, int]:
    match given:
        case {
            "taskType": "TEXT_VIDEO",
            "textToVideoParams": {"text": str(text), **more},
            "videoGenerationConfig": dict(config),
            **rest,
        } if 1 <= len(text) <= 512 and not rest and more.keys() <= {"images"}:
            lengths: tuple[int, ...] = (6,)
        case {
            "taskType": "MULTI_SHOT_AUTOMATED",
            "multiShotAutomatedParams": {"text": str(text), **more},
            "videoGenerationConfig": dict(config),
            **rest,
        } if 1 <= len(text) <= 4000 and not rest and not more:
            lengths = tuple(range(12, 121, 6))
        case _:
            raise InvalidError("Malformed input request")
    config, images = dict(config), cast("list[Any]", more.get("images", []))
    seconds, seed = config.pop("durationSeconds", None), config.pop("seed", 42)
    if seconds not in lengths or type(seed) is not int or not 0 <= seed <= 2_147_483_646:
        raise InvalidError("Malformed input request: #/videoGenerationConfig")
    if config != {"fps": 24, "dimension": "1280x720"}:
        raise InvalidError("Malformed input request: #/videoGenerationConfig")
    for image in images:
        match image:
            case {"format": "png" | "jpeg", "source": {"bytes": str(data)}}:
                base64.b64decode(data, validate=True)
            case _:
                raise InvalidError("Malformed input request: #/textToVideoParams/images")
    return text, seconds


def _ray(given: dict[str, Any]) -> tuple[str, int]:
    known = {"prompt", "aspect_ratio", "loop", "duration", "resolution", "keyframes"}
    text, duration = given.get("prompt"), given.get("duration", "5s")
    if given.keys() - known or not isinstance(text, str) or not 1 <= len(text) <= 5000:
        raise InvalidError("Malformed input request")
    if duration not in ("5s", "9s") or given.get("resolution", "720p") not in ("540p", "720p"):
        raise InvalidError("Malformed input request")
    if given.get("aspect_ratio", "16:9") not in ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"):
        raise InvalidError("Malformed input request")
    match given.get("keyframes"):
        case None:
            pass
        case {
            "frame0": {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png" | "image/jpeg", "data": str(data)},
            }
        }:
            base64.b64decode(data, validate=True)
        case _:
            raise InvalidError("Malformed input request")
    return text, int(duration[0])

"""Veo at the Gemini API: an operation that runs, and a file behind a redirect, for whoever has the key.

Source: https://ai.google.dev/gemini-api/docs/video and the mappings of google-genai 1.x.
"""

import base64
import re
from typing import Any
from urllib.parse import urlsplit

from gemini_refusals import RefusedError, bad_key
from mock_films import (
    FORBIDDEN,
    GARBLED,
    LOST,
    FilmBook,
    Order,
    is_garbled,
    new_id,
)
from mock_http import Exchange

VEO = "veo-3.1-generate-preview"
OLD_VEO = "veo-2.0-generate-001"
VEO_MODELS = (VEO, OLD_VEO)

_START = re.compile(r"/v1beta/models/([^/:]+):predictLongRunning")
_OPERATION = re.compile(r"/v1beta/models/[^/]+/operations/([a-z0-9]+)")
_FILE = re.compile(r"/v1beta/files/([a-z0-9]+):download")
_STORED = re.compile(r"/stored/([a-z0-9]+)")

_PARAMETERS = frozenset(
    {
        "aspectRatio",
        "resolution",
        "durationSeconds",
        "negativePrompt",
        "personGeneration",
        "seed",
        "sampleCount",
    }
)
_PEOPLE = ("allow_all", "allow_adult", "dont_allow")
_RATIOS = {"16:9": (128, 64), "9:16": (64, 128)}
_PICTURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}


def is_of_veo(exchange: Exchange) -> bool:
    """Whether a request is one of these."""
    path = urlsplit(exchange.received.path).path
    return any(pattern.fullmatch(path) for pattern in (_START, _OPERATION, _FILE, _STORED))


def answer(exchange: Exchange, films: FilmBook, key: str) -> tuple[int, dict[str, str], Any] | None:
    """Status, headers of its own, and the object or the file; None where the answer is lost.

    Raises:
        RefusedError: Google would refuse it.
    """
    received, address = exchange.received, urlsplit(exchange.received.path)
    if (found := _STORED.fullmatch(address.path)) and received.method == "GET":
        return _stored(exchange, films, found[1])
    if received.headers.get("x-goog-api-key") != key:
        raise bad_key()
    host = f"http://{received.headers['host']}"
    if (found := _START.fullmatch(address.path)) and received.method == "POST":
        order = _begun(received.json, found[1], films)
        return None if order is None else (200, {}, {"name": _name(order)})
    if (found := _OPERATION.fullmatch(address.path)) and (order := films.asked(found[1])):
        return 200, {}, GARBLED if is_garbled(order) else _operation(order, host)
    if (found := _FILE.fullmatch(address.path)) and films.find(found[1]) and address.query == "alt=media":
        return 302, {"location": f"{host}/stored/{found[1]}"}, b""
    raise RefusedError("Requested entity was not found.", 404)


def _stored(exchange: Exchange, films: FilmBook, identifier: str) -> tuple[int, dict[str, str], Any]:
    order = films.find(identifier)
    if order is None or order.state != "made":
        raise RefusedError("Requested entity was not found.", 404)
    return 200, {}, order.film


def _name(order: Order) -> str:
    return f"models/{order.about['model']}/operations/{order.id}"


def _operation(order: Order, host: str) -> dict[str, Any]:
    name = {"name": _name(order)}
    match order.state:
        case "running":
            return name
        case "broken":
            return {**name, "done": True, "error": {"code": 13, "message": "Internal error.", "details": []}}
        case "unshown":
            reason = "Veo could not generate the video because of its safety filters."
            made: dict[str, Any] = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [reason]}
        case _:
            uri = f"{host}/v1beta/files/{order.id}:download?alt=media"
            made = {"generatedSamples": [{"video": {"uri": uri}}]}
    kind = "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse"
    return {**name, "done": True, "response": {"@type": kind, "generateVideoResponse": made}}


def _begun(body: Any, model: str, films: FilmBook) -> Order | None:
    if model not in VEO_MODELS:
        raise RefusedError(f"models/{model} is not found for API version v1beta.", 404)
    prompt, seconds, size = _checked(body, model)
    if FORBIDDEN in prompt:
        raise RefusedError("The prompt could not be submitted: it contains words that violate our policy.")
    if films.turns_away(prompt):
        raise RefusedError("You exceeded your current quota.", 429, "RESOURCE_EXHAUSTED")
    order = Order(new_id(), prompt, seconds, size, about={"model": model, **body})
    films.begin(order)
    return None if LOST in prompt and len(films.of(prompt)) == 1 else order


def _checked(body: Any, model: str) -> tuple[str, int, tuple[int, int]]:
    parameters: dict[str, Any]
    match body:
        case {"instances": [{"prompt": str(prompt), **more}], **rest} if prompt and rest.keys() <= {
            "parameters"
        }:
            parameters = body.get("parameters") or {}
        case _:
            raise RefusedError("Invalid JSON payload received.")
    if more.keys() - {"image"} or parameters.keys() - _PARAMETERS:
        raise RefusedError("Invalid JSON payload received. Unknown name.")
    if (image := more.get("image")) is not None:
        _check_image(image)
    older = model == OLD_VEO
    seconds, resolution = parameters.get("durationSeconds", 8), parameters.get("resolution")
    if type(seconds) is not int or seconds not in ((5, 6, 7, 8) if older else (4, 6, 8)):
        raise RefusedError("The number value for `durationSeconds` is out of bound.")
    if resolution is not None and (older or resolution not in ("720p", "1080p", "4k")):
        raise RefusedError("`resolution` isn't supported by this model.")
    if resolution in ("1080p", "4k") and seconds != 8:
        raise RefusedError("`resolution` of this value needs `durationSeconds` to be 8.")
    ratio = parameters.get("aspectRatio", "16:9")
    if ratio not in _RATIOS:
        raise RefusedError("`aspectRatio` does not support this value.")
    if parameters.get("personGeneration", "allow_all") not in _PEOPLE:
        raise RefusedError("`personGeneration` does not support this value.")
    if type(parameters.get("seed", 0)) is not int or not 0 <= parameters.get("seed", 0) < 2**32:
        raise RefusedError("`seed` is out of range.")
    if not isinstance(parameters.get("negativePrompt", ""), str) or parameters.get("sampleCount", 1) != 1:
        raise RefusedError("Invalid JSON payload received.")
    return prompt, seconds, _RATIOS[ratio]


def _check_image(image: Any) -> None:
    match image:
        case {"bytesBase64Encoded": str(data), "mimeType": str(media_type)} if media_type in _PICTURES:
            if not base64.b64decode(data, validate=True).startswith(_PICTURES[media_type]):
                raise RefusedError("Unable to process input image.")
        case _:
            raise RefusedError("Unable to process input image.")

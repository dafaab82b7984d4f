"""Services that catalogues declare, each under its own path, as strict as its documentation.

``ora`` is reference 002's; ``xai`` and ``runway`` are as https://docs.x.ai and https://docs.dev.runwayml.com have them; ``own``
is nobody's: it calls back, knows repeated submissions by a header, and wants its key for files, too.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from mock_films import (
    FORBIDDEN,
    GARBLED,
    LOST,
    FilmBook,
    Order,
    is_garbled,
    new_id,
)
from mock_http import Exchange, Received
from mock_provider import MockProvider
from mock_replies import send_json

KEY = "video-service-key-83c2"
RUNWAY_VERSION = "2024-11-06"
STORED = "/stored/"
"""Where files lie, for whoever has the address and shows no credential."""

_HASH = "6a042e860b658f973ab49b22ea565b4e19750fe7023ef23fcdef7b0960c63050"


class RefusedError(Exception):
    """What a service answers instead."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


type Body = dict[str, Any]
type Answer = tuple[int, Body | bytes | None]


class MockVideoServices(MockProvider):
    """The server; a context manager that serves while it is open.

    Attributes:
        calls: addresses that ``own`` may call, by the film's id.
    """

    def __init__(self, credential: str = KEY) -> None:
        super().__init__(credential)
        self.books: Mapping[str, FilmBook] = {name: FilmBook() for name in _SERVICES}
        self.calls: dict[str, str] = {}

    def address(self, service: str) -> str:
        """The base URL of a service."""
        return f"http://127.0.0.1:{self._port}/{service}/v1"

    async def _reply(self, exchange: Exchange) -> None:
        received = exchange.received
        if received.path.startswith(STORED):
            self._send_stored(exchange)
            return
        _, service, _, *rest = received.path.split("/")
        answer_to = _SERVICES.get(service, _nothing)
        try:
            found = answer_to(self, received, "/".join(rest))
        except RefusedError as refused:
            send_json(exchange, refused.status, refused.body)
            return
        match found:
            case None:
                exchange.reset()
            case 200, bytes() as content:
                exchange.whole(200, {"content-type": "application/json"}, content)
            case status, None:
                exchange.whole(status, {}, b"")
            case status, body:
                send_json(exchange, status, body)

    def _send_stored(self, exchange: Exchange) -> None:
        service, _, identifier = exchange.received.path.removeprefix(STORED).partition("/")
        order = self.books[service].find(identifier)
        if "authorization" in exchange.received.headers or order is None or order.state != "made":
            exchange.whole(400, {}, b"")
        else:
            exchange.whole(200, {"content-type": "video/mp4"}, order.film)

    def link(self, service: str, order: Order) -> str:
        """Where a film lies."""
        return f"http://127.0.0.1:{self._port}{STORED}{service}/{order.id}"

    def check_bearer(self, received: Received) -> None:
        """See that the caller has the key."""
        if received.headers.get("authorization") != f"Bearer {self.credential}":
            raise RefusedError(
                401, {"error": {"message": "Invalid API key.", "type": "authentication_error"}}
            )


def _checked(received: Received, required: set[str], optional: Mapping[str, Callable[[Any], bool]]) -> Body:
    """The body, if it has all that it must have and nothing else, each as it must be."""
    body = received.json
    if received.headers.get("content-type") != "application/json" or not isinstance(body, dict):
        raise RefusedError(400, {"error": {"message": "The body is no JSON object."}})
    for name in required - body.keys() or body.keys() - required - optional.keys():
        raise RefusedError(400, {"error": {"message": f"What about '{name}'?", "param": name}})
    for name, fits in optional.items():
        if name in body and not fits(body[name]):
            raise RefusedError(400, {"error": {"message": f"'{name}' is wrong.", "param": name}})
    return body


def _begun(films: FilmBook, order: Order) -> tuple[Order, bool]:
    if FORBIDDEN in order.prompt:
        raise RefusedError(
            400, {"error": {"message": "It is against our policy.", "code": "content_policy_violation"}}
        )
    if films.turns_away(order.prompt):
        raise RefusedError(429, {"error": {"message": "Too many requests."}})
    taken, is_new = films.begin(order)
    return taken, LOST in order.prompt and is_new and len(films.of(order.prompt)) == 1


def _asked(films: FilmBook, identifier: str) -> Order:
    order = films.asked(identifier)
    if order is None:
        raise RefusedError(404, {"error": {"message": "There is no such video."}})
    return order


def _nothing(mock: MockVideoServices, received: Received, path: str) -> Answer | None:
    del mock, received, path
    raise RefusedError(404, {"error": "Not found"})


def _ora(mock: MockVideoServices, received: Received, path: str) -> Answer | None:
    mock.check_bearer(received)
    films = mock.books["ora"]
    common = {"hash_val": _HASH, "requestHash": _HASH, "responseHash": _HASH}
    if (received.method, path) == ("POST", "videos/generations"):
        body = _checked(received, {"model", "prompt"}, {"seed": lambda value: type(value) is int})
        order, lost = _begun(films, Order(new_id("49aaa1dd-"), body["prompt"], 5, about=body))
        return None if lost else (200, {"task_id": order.id, "status": "PROCESSING", "content": "", **common})
    if received.method == "GET" and path.startswith("videos/result/"):
        order = _asked(films, path.removeprefix("videos/result/"))
        if is_garbled(order):
            return 200, GARBLED
        reply = {"task_id": order.id, "hash_val": _HASH}
        match order.state:
            case "running":
                return 200, {**reply, "status": "PROCESSING"}
            case "made":
                return 200, {**reply, "status": "OK", "video": mock.link("ora", order)}
            case _:
                return 200, {**reply, "status": "FAILED", "error": "The model failed."}
    raise RefusedError(404, {"error": {"message": "Not found"}})


def _xai(mock: MockVideoServices, received: Received, path: str) -> Answer | None:
    mock.check_bearer(received)
    films = mock.books["xai"]
    if (received.method, path) == ("POST", "videos/generations"):
        body = _checked(
            received,
            {"model", "prompt"},
            {
                "duration": lambda value: type(value) is int and 1 <= value <= 15,
                "aspect_ratio": lambda value: value in ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"),
                "resolution": lambda value: value in ("480p", "720p"),
                "image": lambda value: isinstance(value, dict) and value.keys() == {"url"},
            },
        )
        order = Order(new_id("d97415a1-"), body["prompt"], body.get("duration", 8), about=body)
        order, lost = _begun(films, order)
        return None if lost else (200, {"request_id": order.id})
    if received.method == "GET" and path.startswith("videos/"):
        order = _asked(films, path.removeprefix("videos/"))
        if is_garbled(order):
            return 200, GARBLED
        model = {"model": order.about["model"]}
        match order.state:
            case "running":
                return 202, {"status": "pending", "progress": order.percent, **model}
            case "broken":
                error = {"code": "internal_error", "message": "The video could not be made."}
                return 200, {"status": "failed", "error": error, **model}
            case state:
                shown = state == "made"
                link = mock.link("xai", order) if shown else ""
                video = {"url": link, "duration": order.seconds, "respect_moderation": shown}
                return 200, {"status": "done", "video": video, "progress": 100, **model}
    raise RefusedError(404, {"error": {"message": "Not found"}})


_RATIOS = {
    "gen4.5": ("1280:720", "720:1280"),
    "veo3.1": ("1280:720", "720:1280", "1080:1920", "1920:1080"),
    "veo3.1_fast": ("1280:720", "720:1280", "1080:1920", "1920:1080"),
}


def _runway(mock: MockVideoServices, received: Received, path: str) -> Answer | None:
    mock.check_bearer(received)
    if received.headers.get("x-runway-version") != RUNWAY_VERSION:
        raise RefusedError(400, {"error": "API version is not valid."})
    films = mock.books["runway"]
    if (received.method, path) == ("POST", "text_to_video"):
        return _runway_submission(received, films)
    identifier = path.removeprefix("tasks/")
    if received.method == "DELETE" and path.startswith("tasks/"):
        gone = films.find(identifier)
        if gone is not None:
            gone.cancelled = True
        return 204, None
    if received.method == "GET" and path.startswith("tasks/"):
        order = _asked(films, identifier)
        if is_garbled(order):
            return 200, GARBLED
        task: Body = {"id": order.id, "createdAt": "2026-11-29T06:00:00.000Z"}
        match order.state:
            case "running" if order.questions == 1:
                return 200, {**task, "status": "THROTTLED"}
            case "running":
                return 200, {**task, "status": "RUNNING", "progress": order.percent / 100}
            case "made":
                return 200, {**task, "status": "SUCCEEDED", "output": [mock.link("runway", order)]}
            case "cancelled":
                return 200, {**task, "status": "CANCELLED"}
            case state:
                code = "SAFETY.OUTPUT.VIDEO" if state == "unshown" else "INTERNAL.BAD_OUTPUT.CODE01"
                return 200, {**task, "status": "FAILED", "failure": "It failed.", "failureCode": code}
    raise RefusedError(404, {"error": "Not found"})


def _runway_submission(received: Received, films: FilmBook) -> Answer | None:
    model = received.json.get("model") if isinstance(received.json, dict) else None
    if model not in _RATIOS:
        raise RefusedError(400, {"error": "Validation of body failed"})
    lengths = range(2, 11) if model == "gen4.5" else (4, 6, 8)
    seed = {"seed": lambda value: type(value) is int and 0 <= value < 2**32}
    more: Mapping[str, Callable[[Any], bool]] = {"negativePrompt": lambda value: isinstance(value, str)}
    body = _checked(
        received,
        {"model", "promptText", "ratio", "duration"},
        {**seed, **(more if model != "gen4.5" else {})},
    )
    fits = type(body["duration"]) is int and body["duration"] in lengths and body["ratio"] in _RATIOS[model]
    if not fits or not 1 <= len(body["promptText"]) <= 1000:
        raise RefusedError(400, {"error": "Validation of body failed"})
    order, lost = _begun(films, Order(new_id("17f20503-"), body["promptText"], body["duration"], about=body))
    return None if lost else (200, {"id": order.id})


_MARK = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _own(mock: MockVideoServices, received: Received, path: str) -> Answer | None:
    if received.headers.get("x-key") != f"Token {mock.credential}":
        raise RefusedError(401, {"detail": "no"})
    films = mock.books["own"]
    match received.method, path.split("/"):
        case "POST", ["jobs"]:
            body = _checked(
                received,
                {"input"},
                {"hook": lambda value: isinstance(value, str) and value.startswith("http")},
            )
            mark = received.headers.get("idempotency-key", "")
            if not _MARK.fullmatch(mark) or not isinstance(body["input"].get("text"), str):
                raise RefusedError(422, {"detail": "no"})
            order = Order(
                new_id(), body["input"]["text"], body["input"].get("seconds", 5), mark=mark, about=body
            )
            order, lost = _begun(films, order)
            if "hook" in body:
                mock.calls[order.id] = body["hook"]
            return None if lost else (201, {"job": {"id": order.id}})
        case "GET", ["jobs", identifier]:
            order = _asked(films, identifier)
            state = {"running": "busy", "made": "done", "cancelled": "gone"}.get(order.state, "failed")
            code = "policy" if order.state == "unshown" else "oom"
            found = {"state": state, "done": order.percent, "why": "It failed.", "code": code}
            return 200, GARBLED if is_garbled(order) else found
        case "GET", ["jobs", identifier, "file"] if (there := films.find(identifier)) is not None:
            return 200, there.film
        case "DELETE", ["jobs", identifier] if (there := films.find(identifier)) is not None:
            there.cancelled = True
            return 204, None
        case _:
            raise RefusedError(404, {"detail": "no"})


_SERVICES: Mapping[str, Callable[[MockVideoServices, Received, str], Answer | None]] = {
    "ora": _ora,
    "xai": _xai,
    "runway": _runway,
    "own": _own,
}

OWN: Mapping[str, Any] = {
    "submit": "POST /jobs",
    "poll": "GET /jobs/{reference}",
    "cancel": "DELETE /jobs/{reference}",
    "content": "GET /jobs/{reference}/file",
    "key": "X-Key: Token {key}",
    "members": {"prompt": "/input/text", "seconds": "/input/seconds"},
    "passes_on": "/input",
    "callback": {"/hook": "{callback}"},
    "idempotency": "Idempotency-Key",
    "reference": "/job/id",
    "status": "/state",
    "running": ["busy"],
    "made": ["done"],
    "failed": ["failed", "gone"],
    "progress": "/done",
    "error": ["/why"],
    "error_code": "/code",
    "refusals": ["policy"],
}
"""How a catalogue declares ``own``."""

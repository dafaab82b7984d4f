"""A provider of pictures and videos that repeats all it is told, the credential among it, wherever it can put words.

What it answers besides is said by the model's name.
"""

import base64
import json
from typing import Any, Final

from mock_http import Exchange, Received
from mock_images import picture_of
from mock_provider import MockProvider
from mock_replies import IMAGES, error_body, send_json
from sluice.providers.demo.filming import Film, filmed

OWN_WORDS: Final = "tattlersownwords"
"""Said in everything."""

LINK: Final = "addressofthepicture"
"""In the address of a picture."""

PICTURES: Final = (
    *("shown", "linked", "lost", "refused", "unauthorised", "broken", "busy", "prose", "reported", "odd"),
)
VIDEOS: Final = ("filmed", "refused", "unauthorised", "broken", "prose", "given-up", "mumbled")
MADE: Final = frozenset({"shown", "linked", "filmed"})

_STATUSES: Final = {"refused": 400, "unauthorised": 401, "broken": 500, "busy": 429}
_VIDEOS: Final = "/v1/videos"
_SEPARATOR: Final = "~"


class MockTattler(MockProvider):
    """The server; a context manager that serves while it is open."""

    async def _reply(self, exchange: Exchange) -> None:
        received = exchange.received
        match received.method, received.path:
            case "POST", path if path == IMAGES:
                self._draw(exchange, received.json["model"], _tattle(received))
            case "POST", path if path == _VIDEOS:
                self._film(exchange, _tattle(received))
            case "GET", path if path.startswith(f"{_VIDEOS}/"):
                self._tell(exchange, path.removeprefix(f"{_VIDEOS}/"))
            case "GET", path if path.startswith(f"/{LINK}"):
                status = 404 if path.endswith("lost") else 200
                exchange.whole(status, {"x-words": OWN_WORDS}, picture_of("linked"))
            case _:
                send_json(exchange, 404, error_body(_tattle(received), "invalid_request_error"))

    def _draw(self, exchange: Exchange, model: str, words: str) -> None:
        data: dict[str, Any]
        match model:
            case "shown":
                data = {"b64_json": _base64(picture_of(words)), "revised_prompt": words}
            case "linked" | "lost":
                data = {"url": f"http://127.0.0.1:{self._port}/{LINK}/{model}"}
            case "odd":
                data = {"b64_json": words}
            case _:
                self._fail(exchange, model, words)
                return
        send_json(exchange, 200, {"created": 1, "data": [data], "words": words})

    def _film(self, exchange: Exchange, words: str) -> None:
        model = next(each for each in VIDEOS if f'"model":"{each}"' in words or f"{each}\r\n" in words)
        if model in ("filmed", "given-up", "mumbled"):
            made = {"id": f"video{_SEPARATOR}{model}", "object": "video", "status": "queued"}
            send_json(exchange, 200, made | {"prompt": words})
        else:
            self._fail(exchange, model, words)

    def _tell(self, exchange: Exchange, rest: str) -> None:
        identifier, _, content = rest.partition("/")
        model, words = identifier.partition(_SEPARATOR)[2], _tattle(exchange.received)
        if content:
            film = filmed(Film(b"tattled", 128, 64, 1))
            exchange.whole(200, {"content-type": "video/mp4", "x-words": OWN_WORDS}, film)
        elif model == "mumbled":
            exchange.whole(200, {"content-type": "text/plain"}, words.encode())
        else:
            error = {"code": "words", "message": words} if model == "given-up" else None
            status = "completed" if error is None else "failed"
            told = {"id": identifier, "object": "video", "status": status, "error": error, "prompt": words}
            send_json(exchange, 200, told)

    def _fail(self, exchange: Exchange, model: str, words: str) -> None:
        match model:
            case "prose":
                exchange.whole(200, {"content-type": "text/plain"}, words.encode())
            case "reported":
                send_json(exchange, 200, error_body(words, "invalid_request_error", code=words))
            case _:
                send_json(exchange, _STATUSES[model], error_body(words, words, param=words, code=words))


def _tattle(received: Received) -> str:
    headers = json.dumps(dict(received.headers))
    return f"{OWN_WORDS} {received.body.decode(errors='replace')} {headers}"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()

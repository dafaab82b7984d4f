"""What every behaviour of the mock provider writes with: OpenAI's headers, errors and event lines."""

import json
import uuid
from collections.abc import Iterable
from typing import Any

from mock_completions import answer_to, chunks, completion
from mock_embeddings import embeddings
from mock_http import Exchange
from mock_images import images
from mock_text_completions import text_chunks, text_completion

EVENT_STREAM = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\n\n"
TEXT_COMPLETIONS = "/v1/completions"
EMBEDDINGS = "/v1/embeddings"
IMAGES = "/v1/images/generations"


def reply_headers(content_type: str = "application/json") -> dict[str, str]:
    """The headers of a reply of OpenAI's, with those that a gateway must keep to itself."""
    return {
        "content-type": content_type,
        "x-request-id": f"req_{uuid.uuid4().hex}",
        "openai-organization": "org-of-the-operator",
        "openai-processing-ms": "7",
        "openai-version": "2020-10-01",
        "set-cookie": "__cf_bm=the-operators-session; path=/; HttpOnly",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
    }


def as_json(value: Any) -> bytes:
    """JSON with raw UTF-8, the way the wire has it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def event(value: Any) -> bytes:
    """One ``data:`` line and the blank line that ends the event."""
    return b"data: " + as_json(value) + b"\n\n"


def error_body(
    message: str, kind: str, *, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """OpenAI's error object."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def wants_stream(exchange: Exchange) -> bool:
    """Whether the request asks for a streamed reply; embeddings and pictures have none."""
    streams = exchange.received.path not in (EMBEDDINGS, IMAGES)
    return streams and bool(exchange.received.json.get("stream"))


def send_json(exchange: Exchange, status: int, value: Any, **headers: str) -> None:
    """A whole reply in JSON; a header's ``_`` stands for ``-``."""
    extra = {name.replace("_", "-"): text for name, text in headers.items()}
    exchange.whole(status, reply_headers() | extra, as_json(value))


def whole_reply(exchange: Exchange, *, refuse: bool = False) -> dict[str, Any]:
    """The object that answers the request; only chat can refuse."""
    request = exchange.received.json
    if exchange.received.path == TEXT_COMPLETIONS:
        return text_completion(request)
    if exchange.received.path == EMBEDDINGS:
        return embeddings(request)
    if exchange.received.path == IMAGES:
        return images(request, exchange.received.headers["host"])
    return completion(request, answer_to(request, refuse=refuse))


def streamed_reply(exchange: Exchange, *, refuse: bool = False) -> list[dict[str, Any]]:
    """The same as chunks."""
    request = exchange.received.json
    if exchange.received.path == TEXT_COMPLETIONS:
        return text_chunks(request)
    return chunks(request, answer_to(request, refuse=refuse))


def events(exchange: Exchange, *, refuse: bool = False) -> list[bytes]:
    """The events that answer the request, without the final ``[DONE]``."""
    return [event(chunk) for chunk in streamed_reply(exchange, refuse=refuse)]


def send_stream(exchange: Exchange, pieces: Iterable[bytes]) -> None:
    """A streamed reply in the given pieces, each its own HTTP chunk and write, regularly ended."""
    exchange.start_chunked(200, reply_headers(EVENT_STREAM))
    for piece in pieces:
        exchange.chunk(piece)
    exchange.end_chunked()

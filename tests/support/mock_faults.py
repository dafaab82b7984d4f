"""Everything a provider can do to a gateway, by name: ``BEHAVIOURS[name]`` answers one exchange.

A test picks a behaviour by the ``user`` member of its request, ``<name>/<anything>``. Behaviours that hold wait on
``exchange.gate`` until the test releases them or the client leaves.
"""

import gzip
from collections.abc import Awaitable, Callable
from typing import Any

from mock_embeddings import embeddings
from mock_framings import FRAMINGS
from mock_http import Exchange
from mock_replies import (
    DONE,
    EVENT_STREAM,
    as_json,
    error_body,
    event,
    events,
    reply_headers,
    send_json,
    send_stream,
    streamed_reply,
    wants_stream,
    whole_reply,
)
from mock_statuses import REFUSALS, Refusal

Behaviour = Callable[[Exchange], Awaitable[None]]

HTML = b"<!doctype html><title>Just a moment...</title><p>Checking your browser</p>"
OPENING = 4
"""How many events a stream sends before it goes wrong: the role and the first tokens."""

BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(function: Behaviour) -> Behaviour:
    """Register under the function's name."""
    BEHAVIOURS[function.__name__] = function
    return function


# ---- as it should be


@behaviour
async def ok(exchange: Exchange) -> None:
    if wants_stream(exchange):
        send_stream(exchange, [*events(exchange), DONE])
    else:
        send_json(exchange, 200, whole_reply(exchange))


@behaviour
async def refusal(exchange: Exchange) -> None:
    if wants_stream(exchange):
        send_stream(exchange, [*events(exchange, refuse=True), DONE])
    else:
        send_json(exchange, 200, whole_reply(exchange, refuse=True))


@behaviour
async def compressed(exchange: Exchange) -> None:
    """Compressed as ``accept-encoding`` allows; the headers about it must not travel on."""
    body = gzip.compress(as_json(whole_reply(exchange)))
    exchange.whole(200, reply_headers() | {"content-encoding": "gzip"}, body)


@behaviour
async def floats_only(exchange: Exchange) -> None:
    """A host that knows one encoding of embeddings, whatever it is asked for."""
    send_json(exchange, 200, embeddings(exchange.received.json | {"encoding_format": "float"}))


@behaviour
async def without_usage(exchange: Exchange) -> None:
    """A host that does not count."""
    if wants_stream(exchange):
        counted = [chunk for chunk in streamed_reply(exchange) if chunk["choices"]]
        send_stream(exchange, [*(event(_uncounted(chunk)) for chunk in counted), DONE])
    else:
        send_json(exchange, 200, _uncounted(whole_reply(exchange)))


def _uncounted(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name != "usage"}


# ---- slow


@behaviour
async def held(exchange: Exchange) -> None:
    """No byte before the gate opens."""
    await exchange.gate.acquire()
    await ok(exchange)


@behaviour
async def headers_then_held(exchange: Exchange) -> None:
    """A good status line, but the first event waits at the gate."""
    exchange.start_chunked(200, reply_headers(EVENT_STREAM))
    await exchange.gate.acquire()
    for piece in [*events(exchange), DONE]:
        exchange.chunk(piece)
    exchange.end_chunked()


@behaviour
async def stepped(exchange: Exchange) -> None:
    """The role and the first token at once, each further event only when the gate is opened for it."""
    exchange.start_chunked(200, reply_headers(EVENT_STREAM))
    for number, piece in enumerate([*events(exchange), DONE]):
        if number > 1:
            await exchange.gate.acquire()
        exchange.chunk(piece)
    exchange.end_chunked()


@behaviour
async def stalled(exchange: Exchange) -> None:
    """Some tokens, then silence until the gate opens."""
    pieces = [*events(exchange), DONE]
    exchange.start_chunked(200, reply_headers(EVENT_STREAM))
    for number, piece in enumerate(pieces):
        if number == OPENING:
            await exchange.gate.acquire()
        exchange.chunk(piece)
    exchange.end_chunked()


@behaviour
async def half_a_body_then_held(exchange: Exchange) -> None:
    """A whole reply that stops in its middle."""
    body = as_json(whole_reply(exchange))
    exchange.head(200, reply_headers() | {"content-length": str(len(body))})
    exchange.write(body[: len(body) // 2])
    await exchange.gate.acquire()
    exchange.write(body[len(body) // 2 :])


# ---- errors with a status: mock_statuses, and these


@behaviour
async def unauthorized(exchange: Exchange) -> None:
    """With the credential in the message, worse than OpenAI's masked one."""
    credential = exchange.received.headers.get("authorization", "").removeprefix("Bearer ")
    message = f"Incorrect API key provided: {credential}."
    send_json(exchange, 401, error_body(message, "invalid_request_error", code="invalid_api_key"))


@behaviour
async def bad_gateway_page(exchange: Exchange) -> None:
    exchange.whole(502, reply_headers("text/html"), HTML)


@behaviour
async def redirected(exchange: Exchange) -> None:
    """To where only a careless client would take its credential."""
    exchange.whole(307, reply_headers() | {"location": "/v1/elsewhere"}, b"")


def _refusing(refusal: Refusal) -> Behaviour:
    async def answer(exchange: Exchange) -> None:
        body = error_body(refusal.message, refusal.type, param=refusal.param, code=refusal.code)
        send_json(exchange, refusal.status, body, **refusal.headers)

    return answer


BEHAVIOURS |= {name: _refusing(refusal) for name, refusal in REFUSALS.items()}


# ---- good status, bad body


@behaviour
async def page(exchange: Exchange) -> None:
    exchange.whole(200, reply_headers("text/html; charset=utf-8"), HTML)


@behaviour
async def empty(exchange: Exchange) -> None:
    """No body at all: an empty stream, or an empty reply."""
    if wants_stream(exchange):
        send_stream(exchange, [])
    else:
        exchange.whole(200, reply_headers(), b"")


@behaviour
async def malformed_json(exchange: Exchange) -> None:
    """Cut in its middle, for a stream in its first event already."""
    if wants_stream(exchange):
        send_stream(exchange, [b'data: {"id": "chatcmpl-1", "choices": [{\n\n', DONE])
    else:
        exchange.whole(200, reply_headers(), as_json(whole_reply(exchange))[:-40])


@behaviour
async def not_utf8(exchange: Exchange) -> None:
    body = as_json(whole_reply(exchange)).replace(b'"model":"', b'"model":"\xff')
    exchange.whole(200, reply_headers(), body)


@behaviour
async def wrong_shape(exchange: Exchange) -> None:
    """JSON, but no completion."""
    if wants_stream(exchange):
        send_stream(exchange, [event({"hello": "world"}), event([1, 2]), DONE])
    else:
        send_json(exchange, 200, {"hello": "world"})


@behaviour
async def not_an_object(exchange: Exchange) -> None:
    if wants_stream(exchange):
        send_stream(exchange, [event("hello"), DONE])
    else:
        send_json(exchange, 200, ["hello"])


@behaviour
async def error_with_status_200(exchange: Exchange) -> None:
    body = error_body("The model is on fire", "server_error")
    if wants_stream(exchange):
        send_stream(exchange, [event(body), DONE])
    else:
        send_json(exchange, 200, body)


@behaviour
async def disconnected(exchange: Exchange) -> None:
    """The connection closes without a byte of reply."""
    exchange.hang_up()


@behaviour
async def cut_whole(exchange: Exchange) -> None:
    """Fewer bytes than the length announced."""
    body = as_json(whole_reply(exchange))
    exchange.head(200, reply_headers() | {"content-length": str(len(body))})
    exchange.write(body[:-40])
    exchange.hang_up()


# ---- streams that begin well


def _begin(exchange: Exchange) -> None:
    exchange.start_chunked(200, reply_headers(EVENT_STREAM))
    for piece in events(exchange)[:OPENING]:
        exchange.chunk(piece)


@behaviour
async def cut(exchange: Exchange) -> None:
    """Closed without the last HTTP chunk."""
    _begin(exchange)
    exchange.hang_up()


@behaviour
async def cut_in_an_event(exchange: Exchange) -> None:
    """The same within a line."""
    _begin(exchange)
    exchange.chunk(events(exchange)[OPENING][:25])
    exchange.hang_up()


@behaviour
async def reset(exchange: Exchange) -> None:
    """Broken off with a TCP reset once the tokens are read."""
    _begin(exchange)
    await exchange.gate.acquire()
    exchange.reset()


@behaviour
async def ended_early(exchange: Exchange) -> None:
    """A regular end of the transfer, but neither finish_reason nor [DONE]."""
    _begin(exchange)
    exchange.end_chunked()


@behaviour
async def ended_in_an_event(exchange: Exchange) -> None:
    """A regular end of the transfer within a line."""
    _begin(exchange)
    exchange.chunk(events(exchange)[OPENING][:25])
    exchange.end_chunked()


@behaviour
async def done_without_finish(exchange: Exchange) -> None:
    """[DONE] after some tokens, and no finish_reason before it."""
    _begin(exchange)
    exchange.chunk(DONE)
    exchange.end_chunked()


@behaviour
async def done_only(exchange: Exchange) -> None:
    send_stream(exchange, [DONE])


@behaviour
async def malformed_event(exchange: Exchange) -> None:
    """Broken JSON after some tokens, then all goes on as if nothing had been."""
    _begin(exchange)
    exchange.chunk(b'data: {"choices":[{"index":0,"delta":{"content": oops}}]}\n\n')
    for piece in [*events(exchange)[OPENING:], DONE]:
        exchange.chunk(piece)
    exchange.end_chunked()


@behaviour
async def malformed_sse(exchange: Exchange) -> None:
    """Lines that are no events."""
    send_stream(exchange, [b"HTTP/1.1 200 OK\n", b"{]\n\n", b"data\n\n", b"\x00\xff\xfe\n\n"])


@behaviour
async def invalid_utf8_event(exchange: Exchange) -> None:
    _begin(exchange)
    exchange.chunk(b'data: {"choices":[{"index":0,"delta":{"content":"\xc3\x28"}}]}\n\n')
    exchange.chunk(DONE)
    exchange.end_chunked()


@behaviour
async def error_event(exchange: Exchange) -> None:
    """OpenAI's own way to fail in mid-stream."""
    _begin(exchange)
    exchange.chunk(event(error_body("The server had an error while processing your request", "server_error")))
    exchange.end_chunked()


@behaviour
async def error_event_then_done(exchange: Exchange) -> None:
    _begin(exchange)
    exchange.chunk(event(error_body("The server had an error while processing your request", "server_error")))
    exchange.chunk(DONE)
    exchange.end_chunked()


# ---- odd but legal framings of a good stream


def _framed(frame: Callable[[list[bytes]], list[bytes]]) -> Behaviour:
    async def answer(exchange: Exchange) -> None:
        send_stream(exchange, frame([*events(exchange), DONE]))

    return answer


BEHAVIOURS |= {name: _framed(frame) for name, frame in FRAMINGS.items()}

"""A provider that speaks Anthropic's wire format over a real socket, as strict with requests as Anthropic is.

What it says depends on the request's ``metadata.user_id``: a turn that a test has put there (``says``), a failure
(``FAILURES``, by ``<name>/<anything>``), a stream that goes wrong (``BROKEN``), or else what the request asks for: a call
of each tool, an instance of the schema, thoughts where it may think, and ``TEXT``.

``whole`` and ``events`` are the format itself: pure functions, for any ``Turn``.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from anthropic_request_check import VERSIONS, fault_of_body
from json_instances import instance
from mock_completions import TEXT, tokens_of
from mock_http import Exchange
from mock_turns import Call, Count, Part, Turn
from saying_mock import SayingMock
from sluice.providers.contract import UpstreamRequest

MODELS = ("claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5")
"""The first knows messages of the role ``system`` and adaptive thinking only, the last budgets only."""

RETIRED = "claude-2.1"
CREATED = "2026-05-28T00:00:00Z"
THOUGHT = "Let me think about it."
SIGNATURE = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds"
MESSAGE_ID = "msg_01XFDUDYJgAACzvnptvVoYEL"
EXPLANATION = "This request could enable harm."
EVENT_STREAM = "text/event-stream; charset=utf-8"
PING = {"type": "ping"}

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Failure:
    """A status and Anthropic's error object."""

    status: int
    type: str
    message: str
    error_code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The envelope."""
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.error_code:
            error["details"] = {"error_code": self.error_code}
        return {"type": "error", "error": error, "request_id": f"req_{next(_numbers):024}"}


FAILURES: Mapping[str, Failure] = {
    "invalid": Failure(400, "invalid_request_error", "messages.0.content: that is not possible"),
    "too_long": Failure(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    "authentication": Failure(401, "authentication_error", "invalid x-api-key"),
    "billing": Failure(402, "billing_error", "Your credit balance is too low"),
    "permission": Failure(403, "permission_error", "Your API key does not have permission"),
    "not_found": Failure(404, "not_found_error", "model: claude-gone"),
    "too_large": Failure(413, "request_too_large", "Request exceeds the maximum size"),
    "rate_limited": Failure(
        429, "rate_limit_error", "This request would exceed your rate limit", headers={"retry-after": "7"}
    ),
    "spend_limit": Failure(
        429, "rate_limit_error", "You have reached your limit", error_code="contract_spend_limit_reached"
    ),
    "server": Failure(500, "api_error", "Internal server error"),
    "timeout": Failure(504, "timeout_error", "The request timed out"),
    "overloaded": Failure(529, "overloaded_error", "Overloaded"),
}
OVERLOADED = FAILURES["overloaded"]


def whole(turn: Turn, model: str) -> bytes:
    """A whole reply."""
    return _json(
        {
            **_head(model),
            "content": [_block(part) for part in _parts(turn)],
            **_ending(turn),
            "usage": _usage(turn.usage),
        }
    )


def events(turn: Turn, model: str) -> list[bytes]:
    """A streamed reply, event by event."""
    usage = _usage(turn.usage)
    start = {**_head(model), "content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    found: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": {**start, "usage": {**usage, "output_tokens": min(1, turn.usage.completion)}},
        }
    ]
    for index, part in enumerate(_parts(turn)):
        found += [
            {"type": "content_block_start", "index": index, "content_block": _empty_block(part)},
            *([PING] if index == 0 else []),
            *({"type": "content_block_delta", "index": index, "delta": delta} for delta in _deltas(part)),
            {"type": "content_block_stop", "index": index},
        ]
    told = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    counts = {name: usage[name] for name in told} | {
        name: usage[name] for name in ("output_tokens_details",) if name in usage
    }
    found += [
        {"type": "message_delta", "delta": _ending(turn), "usage": counts},
        {"type": "message_stop"},
    ]
    return [event(each) for each in found]


def event(value: Mapping[str, Any]) -> bytes:
    """One event, framed, under the name of its type."""
    return b"event: %s\ndata: %s\n\n" % (value["type"].encode(), _json(value))


def fault(request: UpstreamRequest) -> str | None:
    """What Anthropic would find wrong with a request for a message; None if it takes it."""
    return _fault(request.headers, request.body)


def _fault(headers: Mapping[str, str], body: bytes) -> str | None:
    version = headers.get("anthropic-version", "")
    if version not in VERSIONS:
        return f"anthropic-version: {version or 'header is required'}"
    if headers.get("content-type") != "application/json":
        return "content-type: application/json is required"
    try:
        return fault_of_body(json.loads(body), version)
    except ValueError:
        return "The request body is not valid JSON"


def _parts(turn: Turn) -> list[Part]:
    parts = []
    if turn.reasoning or turn.signature:
        parts.append(Part("thinking", turn.reasoning, signature=turn.signature or SIGNATURE))
    if turn.text:
        parts.append(Part("text", turn.text))
    for position, call in enumerate(turn.calls):
        call_id = call.id or f"toolu_{position:024}"
        parts.append(Part("tool_use", call.arguments, id=call_id, name=call.name))
    return parts


def _block(part: Part) -> dict[str, Any]:
    said = "".join(part.pieces)
    match part.type:
        case "thinking":
            return {"type": "thinking", "thinking": said, "signature": part.signature}
        case "tool_use":
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": json.loads(said or "{}")}
        case _:
            return {"type": "text", "text": said}


def _empty_block(part: Part) -> dict[str, Any]:
    match part.type:
        case "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "tool_use":
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": {}}
        case _:
            return {"type": "text", "text": ""}


def _deltas(part: Part) -> list[dict[str, Any]]:
    match part.type:
        case "thinking":
            thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in part.pieces]
            return [*thoughts, {"type": "signature_delta", "signature": part.signature}]
        case "tool_use":
            pieces = [] if "".join(part.pieces) in ("", "{}") else part.pieces
            return [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces)]
        case _:
            return [{"type": "text_delta", "text": piece} for piece in part.pieces]


def _head(model: str) -> dict[str, Any]:
    return {"model": model, "id": MESSAGE_ID, "type": "message", "role": "assistant"}


def _ending(turn: Turn) -> dict[str, Any]:
    details = {"type": "refusal", "category": "bio", "explanation": EXPLANATION}
    return {
        "stop_reason": _STOP_REASONS[turn.end],
        "stop_sequence": None,
        "stop_details": details if turn.end == "content_filter" else None,
    }


def _usage(count: Count) -> dict[str, Any]:
    found = {
        "input_tokens": count.prompt - count.cached - count.cache_written,
        "cache_creation_input_tokens": count.cache_written,
        "cache_read_input_tokens": count.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": count.cache_written,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": count.completion,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }
    return found | (
        {"output_tokens_details": {"thinking_tokens": count.reasoning}} if count.reasoning else {}
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def answer_to(body: dict[str, Any]) -> Turn:
    """What the request asks for."""
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    thoughts = Turn(reasoning=tokens_of(THOUGHT), signature=SIGNATURE) if thinks else Turn()
    usage = Count(prompt=20, completion=9, cached=4, cache_written=6, reasoning=3 if thinks else 0)
    last = body["messages"][-1]["content"]
    answers = any(block["type"] == "tool_result" for block in last if isinstance(block, dict))
    choice = body.get("tool_choice", {"type": "auto"})
    if body.get("tools") and choice["type"] != "none" and not answers:
        named = [tool for tool in body["tools"] if choice["type"] != "tool" or tool["name"] == choice["name"]]
        calls = [_call(tool) for tool in named[: 1 if choice.get("disable_parallel_tool_use") else None]]
        return replace(thoughts, text=("I look.",), calls=calls, end="tool_calls", usage=usage)
    wanted = body.get("output_config", {}).get("format")
    said = json.dumps(instance(wanted["schema"])) if wanted else TEXT
    return replace(thoughts, text=tokens_of(said), usage=usage)


def _call(tool: dict[str, Any]) -> Call:
    arguments = json.dumps(instance(tool["input_schema"]))
    return Call(tool["name"], [arguments[:5], arguments[5:]], id=f"toolu_{next(_numbers):024}")


class MockAnthropic(SayingMock):
    """The server; a context manager that serves while it is open. It takes its credential in both ways of Anthropic's."""

    TAG = ("metadata", "user_id")

    async def _reply(self, exchange: Exchange) -> None:
        headers = exchange.received.headers
        if self.credential not in (
            headers.get("x-api-key"),
            headers.get("authorization", "").removeprefix("Bearer "),
        ):
            _refuse(exchange, FAILURES["authentication"])
            return
        path, _, query = exchange.received.path.partition("?")
        match exchange.received.method, path:
            case "POST", "/v1/messages":
                self._answer_message(exchange)
            case "GET", "/v1/models":
                limit = int(dict(pair.split("=") for pair in query.split("&") if pair).get("limit", "20"))
                _send(exchange, _listing(limit))
            case "GET", _ if path.removeprefix("/v1/models/") in MODELS:
                _send(exchange, _model(path.removeprefix("/v1/models/")))
            case _:
                _refuse(exchange, Failure(404, "not_found_error", "Not found"))

    def _answer_message(self, exchange: Exchange) -> None:
        received = exchange.received
        wrong = _fault(received.headers, received.body)
        if wrong is not None:
            _refuse(exchange, Failure(400, "invalid_request_error", wrong))
            return
        body, tag = received.json, self.tag_of(received)
        name = tag.partition("/")[0]
        model = body["model"]
        if name in FAILURES:
            _refuse(exchange, FAILURES[name])
        elif model not in MODELS:
            _refuse(exchange, Failure(404, "not_found_error", f"model: {model}"))
        else:
            turn = self.turns.get(tag) or answer_to(body)
            if body.get("stream"):
                _stream(exchange, events(turn, model), name)
            else:
                _send(exchange, json.loads(whole(turn, model)))


BROKEN = ("error_at_once", "error_in_the_middle", "cut", "no_stop")
"""How a stream goes wrong: by an error event before or after something was said, by a lost connection, by its end."""


def _stream(exchange: Exchange, pieces: Sequence[bytes], behaviour: str) -> None:
    exchange.start_chunked(200, _headers(EVENT_STREAM))
    kept = {"error_at_once": 1, "error_in_the_middle": 4, "cut": 4, "no_stop": len(pieces) - 1}
    for piece in pieces[: kept.get(behaviour)]:
        exchange.chunk(piece)
    if behaviour.startswith("error"):
        exchange.chunk(
            event({"type": "error", "error": {"type": OVERLOADED.type, "message": OVERLOADED.message}})
        )
    if behaviour == "cut":
        exchange.hang_up()
    else:
        exchange.end_chunked()


def _listing(limit: int) -> dict[str, Any]:
    rows = [*map(_model, MODELS), {**_model(RETIRED), "lifecycle": "retired"}]
    shown = rows[:limit]
    return {
        "data": shown,
        "has_more": len(shown) < len(rows),
        "first_id": shown[0]["id"],
        "last_id": shown[-1]["id"],
    }


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name.title(),
        "created_at": CREATED,
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }


def _refuse(exchange: Exchange, failure: Failure) -> None:
    exchange.whole(failure.status, {**_headers("application/json"), **failure.headers}, _json(failure.body()))


def _send(exchange: Exchange, value: Any) -> None:
    exchange.whole(200, _headers("application/json"), _json(value))


def _headers(content_type: str) -> dict[str, str]:
    return {
        "content-type": content_type,
        "request-id": f"req_{next(_numbers):024}",
        "anthropic-organization-id": "org-of-the-operator",
        "anthropic-ratelimit-requests-remaining": "999",
    }

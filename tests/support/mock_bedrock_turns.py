"""What a model says, as Bedrock sends it: whole replies of Converse and messages of ConverseStream, byte by byte."""

import json
from collections.abc import Mapping
from typing import Any

from mock_replies import as_json
from mock_turns import Count, Part, Turn
from sluice.wire.eventstream import HeaderType, encoded

PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""Members called ``p`` in events are as long as it takes to hide how long the text is."""

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
}


def whole(turn: Turn, model: str) -> bytes:
    """The body of a reply to Converse."""
    message = {"content": [_block(part) for part in _parts(turn)], "role": "assistant"}
    return as_json(
        {
            "metrics": {"latencyMs": 391},
            "output": {"message": message},
            "stopReason": _STOP_REASONS[turn.end],
            "usage": _usage(turn.usage),
        }
    )


def events(turn: Turn, model: str) -> list[bytes]:
    """The messages of a reply to ConverseStream."""
    found = [event("messageStart", {"role": "assistant"})]
    for index, part in enumerate(_parts(turn)):
        block = {"contentBlockIndex": index}
        if part.type == "toolUse":
            start = {"toolUse": {"name": part.name, "toolUseId": part.id}}
            found.append(event("contentBlockStart", {**block, "start": start}))
        found += [event("contentBlockDelta", {**block, "delta": delta}) for delta in _deltas(part)]
        found.append(event("contentBlockStop", block))
    found.append(event("messageStop", {"stopReason": _STOP_REASONS[turn.end]}))
    found.append(event("metadata", {"metrics": {"latencyMs": 391}, "usage": _usage(turn.usage)}))
    return found


def event(name: str, payload: Mapping[str, Any], kind: str = "event") -> bytes:
    """One message of an event stream, with its padding."""
    headers = [
        (f":{kind}-type", HeaderType.STRING, name),
        (":content-type", HeaderType.STRING, "application/json"),
        (":message-type", HeaderType.STRING, kind),
    ]
    padding = {"p": PADDING[: len(name)]} if kind == "event" else {}
    return encoded(headers, as_json(dict(sorted({**payload, **padding}.items()))))


def exception(name: str, message: str) -> bytes:
    """A failure in the middle of a stream."""
    return event(name, {"message": message}, "exception")


def _parts(turn: Turn) -> list[Part]:
    parts = []
    if turn.reasoning:
        parts.append(Part("reasoningContent", turn.reasoning, signature=turn.signature))
    if turn.text:
        parts.append(Part("text", turn.text))
    for position, call in enumerate(turn.calls):
        call_id = call.id or f"tooluse_{position:022}"
        parts.append(Part("toolUse", call.arguments, id=call_id, name=call.name))
    return parts


def _block(part: Part) -> dict[str, Any]:
    said = "".join(part.pieces)
    match part.type:
        case "reasoningContent":
            signed = {"signature": part.signature} if part.signature else {}
            return {"reasoningContent": {"reasoningText": {**signed, "text": said}}}
        case "toolUse":
            return {"toolUse": {"input": json.loads(said or "{}"), "name": part.name, "toolUseId": part.id}}
        case _:
            return {"text": said}


def _deltas(part: Part) -> list[dict[str, Any]]:
    match part.type:
        case "reasoningContent":
            thoughts = [{"reasoningContent": {"text": piece}} for piece in part.pieces]
            return thoughts + (
                [{"reasoningContent": {"signature": part.signature}}] if part.signature else []
            )
        case "toolUse":
            pieces = [] if "".join(part.pieces) in ("", "{}") else part.pieces
            return [{"toolUse": {"input": piece}} for piece in ("", *pieces)]
        case _:
            return [{"text": piece} for piece in part.pieces]


def _usage(count: Count) -> dict[str, Any]:
    """Tokens of the cache stand apart, and count in the total."""
    usage = {
        "inputTokens": count.prompt - count.cached - count.cache_written,
        "outputTokens": count.completion,
        "serverToolUsage": {},
        "totalTokens": count.prompt + count.completion,
    }
    cache = {"cacheReadInputTokens": count.cached, "cacheWriteInputTokens": count.cache_written}
    return usage | (cache if count.cached or count.cache_written else {})

"""What a model says, as the Gemini API sends it: whole replies and streamed events, byte by byte.

Function calls come whole, thoughts are parts of their own, and the signature is on the first call, or else on the last
part: in a stream that is a part with an empty text. Each event counts the usage so far.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mock_replies import as_json
from mock_turns import Call, Count, End, Turn

FINISH_REASONS: Mapping[End, str] = {
    "stop": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
}
RESPONSE_ID = "mAitaLmkHPPlz7IPvtfUqQ4"

type Part = dict[str, Any]


def whole(turn: Turn, model: str) -> bytes:
    """The body of a reply to ``generateContent``."""
    texts = ["".join(pieces) for pieces in (turn.reasoning, turn.text)]
    parts = [{"text": text, "thought": True} for text in texts[:1] if text]
    parts += [{"text": text} for text in texts[1:] if text]
    parts += _calls(turn)
    if turn.signature and not turn.calls:
        if not turn.text:
            parts.append({"text": ""})
        parts[-1]["thoughtSignature"] = turn.signature
    return as_json(reply(parts, model, FINISH_REASONS[turn.end], usage(turn.usage)))


def events(turn: Turn, model: str) -> list[bytes]:
    """The events of a reply to ``streamGenerateContent?alt=sse``."""
    pieces: list[list[Part]] = [[{"text": piece, "thought": True}] for piece in turn.reasoning]
    pieces += [[{"text": piece}] for piece in turn.text]
    pieces += [[call] for call in _calls(turn)]
    last: Part = {"text": ""}
    if turn.signature and not turn.calls:
        last["thoughtSignature"] = turn.signature
    early = {"promptTokenCount": turn.usage.prompt, "totalTokenCount": turn.usage.prompt}
    found = [event(reply(parts, model, None, early)) for parts in pieces]
    return [*found, event(reply([last], model, FINISH_REASONS[turn.end], usage(turn.usage)))]


def reply(
    parts: Sequence[Part], model: str, finish_reason: str | None, counts: Mapping[str, Any]
) -> dict[str, Any]:
    """A ``GenerateContentResponse`` of one candidate."""
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish_reason is not None:
        candidate["finishReason"] = finish_reason
    return {
        "candidates": [candidate],
        "usageMetadata": dict(counts),
        "modelVersion": model,
        "responseId": RESPONSE_ID,
    }


def blocked(reason: str) -> dict[str, Any]:
    """The reply to a prompt that the filters do not let pass."""
    return {
        "promptFeedback": {"blockReason": reason},
        "usageMetadata": {"promptTokenCount": 13, "totalTokenCount": 13},
    }


def usage(count: Count) -> dict[str, Any]:
    """A ``UsageMetadata``: what is nothing is left out."""
    counts = {
        "promptTokenCount": count.prompt,
        "candidatesTokenCount": count.completion - count.reasoning,
        "thoughtsTokenCount": count.reasoning,
        "cachedContentTokenCount": count.cached,
        "totalTokenCount": count.prompt + count.completion,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": count.prompt}],
    }
    return {name: value for name, value in counts.items() if value}


def event(value: Any) -> bytes:
    """An event as Google frames it, with CRLF."""
    return b"data: " + as_json(value) + b"\r\n\r\n"


def _calls(turn: Turn) -> list[Part]:
    parts = [_call(call) for call in turn.calls]
    if parts and turn.signature:
        parts[0]["thoughtSignature"] = turn.signature
    return parts


def _call(call: Call) -> Part:
    function = {"name": call.name, "args": json.loads("".join(call.arguments) or "{}")}
    return {"functionCall": {**function, **({"id": call.id} if call.id else {})}}

"""The completion that a stream's chunks add up to, and the hashes of contract section 7, worked out anew."""

import hashlib
from typing import Any

import rfc8785


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()


def without_hashes(reply: dict[str, Any]) -> dict[str, Any]:
    """A reply as it was before the two hashes were put in."""
    return {name: value for name, value in reply.items() if name not in {"requestHash", "responseHash"}}


def completion_of(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The ``chat.completion`` that says what the chunks say."""
    last = chunks[-1]
    choices: dict[int, dict[str, Any]] = {}
    for part in (choice for chunk in chunks for choice in chunk["choices"]):
        choice = choices.setdefault(
            part["index"],
            {
                "index": part["index"],
                "message": {"role": "assistant", "content": None, "refusal": None},
                "logprobs": None,
                "finish_reason": None,
            },
        )
        _say(choice["message"], part["delta"])
        choice["finish_reason"] = part["finish_reason"] or choice["finish_reason"]
        if part.get("logprobs"):
            earlier = choice["logprobs"] or {"content": None, "refusal": None}
            choice["logprobs"] = {
                name: ((earlier[name] or []) + part["logprobs"][name])
                if part["logprobs"][name]
                else earlier[name]
                for name in earlier
            }
    completion = {
        "object": "chat.completion",
        "choices": [choices[index] for index in sorted(choices)],
        **{name: last[name] for name in ("id", "created", "model")},
    }
    for name in ("usage", "service_tier", "system_fingerprint"):
        values = [chunk[name] for chunk in chunks if chunk.get(name) is not None]
        completion |= {name: values[-1]} if values else {}
    return completion


def text_completion_of(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The ``text_completion`` that says what the chunks say."""
    last = chunks[-1]
    choices: dict[int, dict[str, Any]] = {}
    for part in (choice for chunk in chunks for choice in chunk["choices"]):
        index = part["index"]
        choice = choices.setdefault(
            index, {"index": index, "text": "", "logprobs": None, "finish_reason": None}
        )
        choice["text"] += part["text"]
        choice["finish_reason"] = part["finish_reason"] or choice["finish_reason"]
        if part["logprobs"]:
            earlier = choice["logprobs"] or {}
            choice["logprobs"] = {
                name: earlier.get(name, []) + values for name, values in part["logprobs"].items()
            }
    completion = {
        "object": "text_completion",
        "choices": [choices[index] for index in sorted(choices)],
        **{name: last[name] for name in ("id", "created", "model")},
    }
    for name in ("usage", "system_fingerprint"):
        values = [chunk[name] for chunk in chunks if chunk.get(name) is not None]
        completion |= {name: values[-1]} if values else {}
    return completion


def _say(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("content", "refusal", "reasoning_content"):
        if delta.get(name) is not None:
            message[name] = (message.get(name) or "") + delta[name]
    if delta.get("reasoning_details"):
        message["reasoning_details"] = message.get("reasoning_details", []) + delta["reasoning_details"]
    for piece in delta.get("tool_calls", ()):
        calls = message.setdefault("tool_calls", [])
        if piece["index"] == len(calls):
            calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        call = calls[piece["index"]]
        call["id"] = piece.get("id") or call["id"]
        for name, text in piece["function"].items():
            call["function"][name] += text

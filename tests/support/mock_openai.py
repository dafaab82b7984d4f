"""A ``Turn`` in OpenAI's chat completions format, whole and as server-sent events, with what compatible hosts add.

``reasoning_content`` is DeepSeek's, ``cache_write_tokens`` OpenRouter's; OpenAI itself has neither.
"""

from typing import Any

from mock_completions import CREATED, FINGERPRINT
from mock_replies import DONE, as_json, event
from mock_turns import Call, Count, Turn

REPLY_ID = "chatcmpl-000000000000000000000000turn1"


def whole(turn: Turn, model: str) -> bytes:
    """The ``chat.completion`` object."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if turn.calls and not turn.text else "".join(turn.text),
        "refusal": None,
    }
    if turn.reasoning:
        message["reasoning_content"] = "".join(turn.reasoning)
    if turn.calls:
        message["tool_calls"] = [
            {**_opened(call, number), "function": {"name": call.name, "arguments": "".join(call.arguments)}}
            for number, call in enumerate(turn.calls)
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": turn.end}
    head = _head("chat.completion", model)
    return as_json({**head, "choices": [choice], "usage": usage(turn.usage)})


def events(turn: Turn, model: str) -> list[bytes]:
    """Every event, the final ``[DONE]`` included."""
    head = _head("chat.completion.chunk", model) | {"usage": None}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None if turn.calls else ""}]
    deltas += [{"reasoning_content": piece} for piece in turn.reasoning]
    deltas += [{"content": piece} for piece in turn.text]
    for number, call in enumerate(turn.calls):
        opening = {"index": number, **_opened(call, number), "function": {"name": call.name, "arguments": ""}}
        deltas.append({"tool_calls": [opening]})
        deltas += [
            {"tool_calls": [{"index": number, "function": {"arguments": piece}}]} for piece in call.arguments
        ]
    choices: list[dict[str, Any]] = [{"delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"delta": {}, "finish_reason": turn.end})
    found = [event({**head, "choices": [{"index": 0, "logprobs": None, **choice}]}) for choice in choices]
    return [*found, event({**head, "choices": [], "usage": usage(turn.usage)}), DONE]


def usage(count: Count) -> dict[str, Any]:
    """OpenAI's usage object."""
    prompt_details = {"cached_tokens": count.cached, "audio_tokens": 0}
    if count.cache_written:
        prompt_details["cache_write_tokens"] = count.cache_written
    return {
        "prompt_tokens": count.prompt,
        "completion_tokens": count.completion,
        "total_tokens": count.prompt + count.completion,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": {"reasoning_tokens": count.reasoning, "audio_tokens": 0},
    }


def _opened(call: Call, number: int) -> dict[str, Any]:
    return {"id": call.id or f"call_{number:024}", "type": "function"}


def _head(kind: str, model: str) -> dict[str, Any]:
    return {
        "id": REPLY_ID,
        "object": kind,
        "created": CREATED,
        "model": model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }

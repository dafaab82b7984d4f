"""Well-formed replies of OpenAI's chat completions, whole and in chunks, both made from the same answer.

The answer depends on the request alone: tools are called when they are offered, a JSON schema is obeyed, and all
else gets ``TEXT``, which holds what careless decoders trip over.
"""

import itertools
import json
from dataclasses import dataclass
from typing import Any

from json_instances import instance

TEXT = "Grüße from the mock: 日本語, 😀 and\u2028a line\u0085that\x0b is\nnone. Done."
"""The usual answer; U+2028, U+0085 and U+000B are line ends to some text splitters, but not on this wire."""

REASONING = "First I think. Then I answer."
REFUSAL = "I'm sorry, I cannot help with that."
REASONING_MODELS = ("deepseek-reasoner",)
CREATED = 1_750_000_000
FINGERPRINT = "fp_44709d6fcb"
ARGUMENTS_PIECE = 5

_numbers = itertools.count(1)


@dataclass(frozen=True)
class ToolCall:
    """One call of a function with its arguments as JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Answer:
    """What one choice says, cut into tokens."""

    words: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    refusal: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"


def tokens_of(text: str) -> tuple[str, ...]:
    """Words with the space before them: enough like tokens."""
    head, *tail = text.split(" ")
    return (head, *(f" {word}" for word in tail))


def answer_to(request: dict[str, Any], *, refuse: bool = False) -> Answer:
    """Decide what to say."""
    if refuse:
        return Answer(refusal=tokens_of(REFUSAL))
    last = request["messages"][-1]
    if request.get("tools") and request.get("tool_choice") != "none" and last["role"] != "tool":
        return Answer(tool_calls=_calls(request), finish_reason="tool_calls")
    return _said(request, _text(request, last))


def _calls(request: dict[str, Any]) -> tuple[ToolCall, ...]:
    functions = [tool["function"] for tool in request["tools"]]
    choice = request.get("tool_choice")
    if isinstance(choice, dict):
        functions = [found for found in functions if found["name"] == choice["function"]["name"]]
    if request.get("parallel_tool_calls") is False:
        functions = functions[:1]
    return tuple(
        ToolCall(
            f"call_{next(_numbers):024}",
            function["name"],
            json.dumps(instance(function.get("parameters", {}))),
        )
        for function in functions
    )


def _text(request: dict[str, Any], last: dict[str, Any]) -> str:
    form = request.get("response_format") or {"type": "text"}
    if form["type"] == "json_schema":
        return json.dumps(instance(form["json_schema"]["schema"]))
    if form["type"] == "json_object":
        return '{"answer": "yes"}'
    if last["role"] == "tool":
        return f"The tool says {last['content']}"
    return TEXT


def _said(request: dict[str, Any], text: str) -> Answer:
    stops = request.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.partition(stop)[0]
    words = tokens_of(text)
    limit = request.get("max_completion_tokens") or request.get("max_tokens") or len(words)
    return Answer(
        words=words[:limit],
        reasoning=tokens_of(REASONING) if request["model"] in REASONING_MODELS else (),
        finish_reason="stop" if limit >= len(words) else "length",
    )


def completion(request: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """The ``chat.completion`` object."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if answer.tool_calls or answer.refusal else "".join(answer.words),
        "refusal": "".join(answer.refusal) or None,
        "annotations": [],
    }
    if answer.reasoning:
        message["reasoning_content"] = "".join(answer.reasoning)
    if answer.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.tool_calls
        ]
    logprobs = {"content": [_logprob(request, word) for word in answer.words], "refusal": None}
    return {
        **_envelope(request, "chat.completion"),
        "choices": [
            {
                "index": index,
                "message": message,
                "logprobs": logprobs if request.get("logprobs") else None,
                "finish_reason": answer.finish_reason,
            }
            for index in range(_choices(request))
        ],
        "usage": usage(request, answer),
    }


def chunks(request: dict[str, Any], answer: Answer) -> list[dict[str, Any]]:
    """The ``chat.completion.chunk`` objects; choices take turns, as they do when n > 1."""
    wants_usage = (request.get("stream_options") or {}).get("include_usage") is True
    frame = _envelope(request, "chat.completion.chunk") | ({"usage": None} if wants_usage else {})
    found = []
    for delta, word in _deltas(answer):
        for index in range(_choices(request)):
            logprobs = {"content": [_logprob(request, word)], "refusal": None} if word else None
            found.append(_chunk(frame, index, delta, logprobs if request.get("logprobs") else None, None))
    found += [_chunk(frame, index, {}, None, answer.finish_reason) for index in range(_choices(request))]
    if wants_usage:
        found.append({**frame, "choices": [], "usage": usage(request, answer), "obfuscation": "pq"})
    return found


def _deltas(answer: Answer) -> list[tuple[dict[str, Any], str | None]]:
    """Each delta with the word it says, if it says one."""
    found: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": None if answer.tool_calls else "", "refusal": None}, None)
    ]
    found += [({"reasoning_content": word}, None) for word in answer.reasoning]
    found += [({"refusal": word}, None) for word in answer.refusal]
    found += [({"content": word}, word) for word in answer.words]
    for index, call in enumerate(answer.tool_calls):
        opening = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        found.append(({"tool_calls": [{"index": index, **opening}]}, None))
        for piece in itertools.batched(call.arguments, ARGUMENTS_PIECE, strict=False):
            part = {"index": index, "function": {"arguments": "".join(piece)}}
            found.append(({"tool_calls": [part]}, None))
    return found


def _chunk(
    frame: dict[str, Any],
    index: int,
    delta: dict[str, Any],
    logprobs: dict[str, Any] | None,
    finish_reason: str | None,
) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
    return {**frame, "choices": [choice], "obfuscation": "xK3"}


def usage(request: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """Tokens counted as words of the prompt and pieces of the answer; or what the request's ``metadata`` says."""
    calls = sum(
        len(list(itertools.batched(call.arguments, ARGUMENTS_PIECE, strict=False)))
        for call in answer.tool_calls
    )
    said = len(answer.words) + len(answer.refusal) + len(answer.reasoning) + calls
    ordered = request.get("metadata") or {}
    prompt = int(ordered.get("prompt_tokens", len(json.dumps(request["messages"]).split())))
    said = int(ordered.get("completion_tokens", said * _choices(request)))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": said,
        "total_tokens": prompt + said,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": len(answer.reasoning) * _choices(request),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _logprob(request: dict[str, Any], word: str) -> dict[str, Any]:
    entry = {"token": word, "logprob": -0.25, "bytes": list(word.encode())}
    return {**entry, "top_logprobs": [entry] * (request.get("top_logprobs") or 0)}


def _envelope(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{next(_numbers):029}",
        "object": kind,
        "created": CREATED,
        "model": request["model"],
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def _choices(request: dict[str, Any]) -> int:
    return request.get("n") or 1

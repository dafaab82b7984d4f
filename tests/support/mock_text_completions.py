"""Well-formed replies of OpenAI's legacy text completions, whole and in chunks, both made from the same choices.

Every prompt gets ``mock_completions.TEXT``, up to the stops and the limit that the request sets. A prompt in tokens
is read as ``<1><2>…``.
"""

import itertools
from dataclasses import dataclass
from typing import Any

from mock_completions import CREATED, FINGERPRINT, TEXT, tokens_of

DEFAULT_LIMIT = 16
DEFAULT_PROMPT = "<|endoftext|>"
LOGPROB = -0.25

_numbers = itertools.count(1)

Tokens = tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """One continuation of one prompt."""

    index: int
    echoed: Tokens
    """The prompt, where the request wants it back."""
    words: Tokens
    finish_reason: str


def prompts_of(request: dict[str, Any]) -> list[Tokens]:
    """The prompts of each of the four forms, in tokens."""
    prompt = request.get("prompt")
    if prompt is None:
        prompt = DEFAULT_PROMPT
    if isinstance(prompt, str) or isinstance(prompt[0], int):
        prompt = [prompt]
    return [
        tokens_of(each) if isinstance(each, str) else tuple(f"<{token}>" for token in each) for each in prompt
    ]


def choices_of(request: dict[str, Any]) -> list[Choice]:
    """What is said: ``n`` choices of each prompt, numbered throughout."""
    words, finish_reason = _said(request)
    return [
        Choice(index, prompt if request.get("echo") else (), words, finish_reason)
        for index, prompt in enumerate(
            prompt for prompt in prompts_of(request) for _ in range(request.get("n") or 1)
        )
    ]


def _said(request: dict[str, Any]) -> tuple[Tokens, str]:
    text = TEXT
    stops = request.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.partition(stop)[0]
    words = tokens_of(text)
    limit = request.get("max_tokens")
    limit = DEFAULT_LIMIT if limit is None else limit
    return words[:limit], "stop" if limit >= len(words) else "length"


def text_completion(request: dict[str, Any]) -> dict[str, Any]:
    """The whole ``text_completion`` object."""
    return {
        **_envelope(request),
        "choices": [
            {
                "text": "".join(choice.echoed + choice.words),
                "index": choice.index,
                "logprobs": _logprobs(request, choice, 0, len(choice.echoed + choice.words)),
                "finish_reason": choice.finish_reason,
            }
            for choice in choices_of(request)
        ],
        "usage": text_usage(request),
    }


def text_chunks(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The ``text_completion`` objects of a stream: a token each, the choices in turns."""
    wants_usage = (request.get("stream_options") or {}).get("include_usage") is True
    frame = _envelope(request) | ({"usage": None} if wants_usage else {})
    choices = choices_of(request)
    said = [
        _piece(frame, choice, token, _logprobs(request, choice, at, at + 1), None)
        for at in range(max(len(choice.echoed + choice.words) for choice in choices))
        for choice in choices
        for token in (choice.echoed + choice.words)[at : at + 1]
    ]
    ends = [_piece(frame, choice, "", None, choice.finish_reason) for choice in choices]
    return [*said, *ends, *([{**frame, "choices": [], "usage": text_usage(request)}] if wants_usage else [])]


def _piece(
    frame: dict[str, Any],
    choice: Choice,
    text: str,
    logprobs: dict[str, Any] | None,
    finish_reason: str | None,
) -> dict[str, Any]:
    said = {"text": text, "index": choice.index, "logprobs": logprobs, "finish_reason": finish_reason}
    return {**frame, "choices": [said]}


def text_usage(request: dict[str, Any]) -> dict[str, Any]:
    """Tokens as they are cut here, of all that was generated (``best_of``); or what the request's ``metadata`` says."""
    prompts = prompts_of(request)
    each = max(request.get("n") or 1, request.get("best_of") or 1)
    ordered = request.get("metadata") or {}
    prompt = int(ordered.get("prompt_tokens", sum(len(tokens) for tokens in prompts)))
    said = int(ordered.get("completion_tokens", len(_said(request)[0]) * each * len(prompts)))
    return {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}


def _logprobs(request: dict[str, Any], choice: Choice, start: int, end: int) -> dict[str, Any] | None:
    """Of the choice's tokens from ``start`` to ``end``; nothing is known of a prompt's first token."""
    if request.get("logprobs") is None:
        return None
    tokens = choice.echoed + choice.words
    offsets = list(itertools.accumulate((len(token) for token in tokens), initial=0))
    known = [not (choice.echoed and at == 0) for at in range(len(tokens))]
    alternatives = {f"other {number}": -2.5 for number in range(1, request["logprobs"])}
    return {
        "tokens": list(tokens[start:end]),
        "token_logprobs": [LOGPROB if known[at] else None for at in range(start, end)],
        "top_logprobs": [
            ({tokens[at]: LOGPROB} | alternatives if request["logprobs"] else {}) if known[at] else None
            for at in range(start, end)
        ],
        "text_offset": offsets[start:end],
    }


def _envelope(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"cmpl-{next(_numbers):029}",
        "object": "text_completion",
        "created": CREATED,
        "model": request["model"],
        "system_fingerprint": FINGERPRINT,
    }

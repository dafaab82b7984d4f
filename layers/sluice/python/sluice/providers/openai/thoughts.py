"""What a model thought, under the names that hosts have for it.

DeepSeek's and xAI's ``reasoning_content`` is what clients get. OpenRouter, Groq, Together, vLLM and Ollama say
``reasoning``; Mistral has it as parts of the content. ``reasoning_details``, which clients send back, come from
OpenRouter in pieces, and from Mistral as the signature of such a part.
"""

from collections.abc import Mapping
from typing import Any

from sluice.providers.reading import objects_of

MISTRAL = "mistral-thinking"
"""The ``format`` of the details that are made of Mistral's parts."""

_JOINED = ("text", "summary", "data")
"""The members of a detail that come in pieces."""


def take_thoughts(message: dict[str, Any]) -> None:
    """Put a message's thoughts, or a delta's, where clients look for them."""
    if isinstance(message.get("content"), list):
        _take_parts(message)
    other = message.get("reasoning")
    if other is None or isinstance(other, str):
        message.pop("reasoning", None)
        message["reasoning_content"] = message.get("reasoning_content") or other
    if not message.get("reasoning_content"):
        message.pop("reasoning_content", None)


def keep_signed(message: dict[str, Any]) -> None:
    """Drop the details of Mistral's thoughts that have no signature: these do not have to come back."""
    details = [
        each
        for each in objects_of(message.pop("reasoning_details", None))
        if each.get("format") != MISTRAL or each.get("signature")
    ]
    if details:
        message["reasoning_details"] = details


def _take_parts(message: dict[str, Any]) -> None:
    """Parts other than text and thoughts (references to what was searched) have no place in a message."""
    parts = objects_of(message["content"])
    message["content"] = "".join(_text(part) for part in parts if part.get("type") == "text") or None
    thoughts = [part for part in parts if part.get("type") == "thinking"]
    if thoughts:
        message["reasoning_content"] = "".join(map(_thought, thoughts))
        message["reasoning_details"] = [
            {
                "type": "reasoning.text",
                "text": _thought(part),
                "signature": part.get("signature"),
                "format": MISTRAL,
                "index": index,
            }
            for index, part in enumerate(thoughts)
        ]


def _text(part: Mapping[str, Any]) -> str:
    text = part.get("text")
    return text if isinstance(text, str) else ""


def _thought(part: Mapping[str, Any]) -> str:
    thinking = part.get("thinking")
    return thinking if isinstance(thinking, str) else "".join(map(_text, objects_of(thinking)))


class Details:
    """The ``reasoning_details`` of a stream's choices, each put together of its pieces."""

    def __init__(self) -> None:
        self._found: dict[int, list[dict[str, Any]]] = {}

    def take(self, choice: dict[str, Any]) -> None:
        """Keep the pieces of a chunk's choice until it ends; its end has them whole."""
        delta = choice["delta"]
        if not isinstance(delta, dict) or not isinstance(choice["index"], int):
            return  # it will not be taken as a chunk
        found = self._found.setdefault(choice["index"], [])
        for piece in objects_of(delta.pop("reasoning_details", None)):
            _join(found, piece)
        if choice["finish_reason"] is not None and found:
            delta["reasoning_details"] = self._found.pop(choice["index"])
            keep_signed(delta)


def _join(found: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    last = found[-1] if found else None
    if last is None or any(last.get(name) != piece.get(name) for name in ("type", "index")):
        found.append(piece)
        return
    for name, value in piece.items():
        if name in _JOINED and isinstance(value, str) and isinstance(last.get(name), str):
            last[name] += value
        elif value is not None:
            last[name] = value

"""Thought signatures: what Gemini wants back of its thoughts, on the very parts that it gave them with.

The signature of a function call travels where Google's own endpoint in OpenAI's format puts it, in the tool call's
``extra_content.google.thought_signature``. The signature of a text, or of a thought, is an object of the message's
``reasoning_details``: ``reasoning.encrypted`` and ``reasoning.text``. There signatures of calls are understood too, by
their ``id``, as OpenRouter's clients send them. Objects of another ``format`` are another provider's and stay out.

Gemini 3 and later refuse a request in whose current turn (all after the user's last words) the first function call of a
step is not signed. Many clients lose members that they do not know, and calls may come from another model; for these
Google documents a value that skips the check. No other call gets it: unsigned history is none of the model's own
thoughts, and earlier turns are not checked.

Source: https://ai.google.dev/gemini-api/docs/thought-signatures.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FORMAT = "google-gemini-v1"
UNSIGNED = "skip_thought_signature_validator"


@dataclass(slots=True)
class Kept:
    """What a client has kept of an assistant turn's signatures: of thoughts as parts, of the text, of calls by id."""

    thoughts: list[dict[str, Any]] = field(default_factory=list)
    text: str | None = None
    calls: dict[str, str] = field(default_factory=dict)


def kept_in(details: Iterable[Mapping[str, Any]] | None) -> Kept:
    """The signatures in a turn's ``reasoning_details``."""
    kept = Kept()
    for detail in details or ():
        if detail.get("format") != FORMAT:
            continue
        match detail:
            case {"type": "reasoning.encrypted", "data": str(data), "id": str(call_id)} if data:
                kept.calls[call_id] = data
            case {"type": "reasoning.encrypted", "data": str(data)} if data:
                kept.text = data
            case {"type": "reasoning.text", "text": str(text), "signature": str(signature)} if signature:
                kept.thoughts.append({"text": text, "thought": True, "thoughtSignature": signature})
            case _:
                pass  # a thought without a signature: nobody wants it back
    return kept


def signature_in(extra_content: object) -> str | None:
    """The signature in a tool call's, or a message's, ``extra_content``."""
    match extra_content:
        case {"google": {"thought_signature": str(signature)}} if signature:
            return signature
        case _:
            return None


def extra_content(signature: str) -> dict[str, Any]:
    """The other way round."""
    return {"google": {"thought_signature": signature}}


def text_detail(signature: str, index: int) -> dict[str, Any]:
    """The signature of a text, as the object at ``index`` of ``reasoning_details``."""
    return {"type": "reasoning.encrypted", "data": signature, "format": FORMAT, "index": index}


def thought_detail(text: str, signature: str, index: int) -> dict[str, Any]:
    """A signed thought, likewise."""
    return {"type": "reasoning.text", "text": text, "signature": signature, "format": FORMAT, "index": index}


def skip_missing(contents: Sequence[dict[str, Any]]) -> None:
    """Have the check skip the current turn's calls that must be signed and are not."""
    for content in reversed(contents):
        if content["role"] == "user":
            if any("functionResponse" not in part for part in content["parts"]):
                return
            continue
        first = next((part for part in content["parts"] if "functionCall" in part), None)
        if first is not None:
            first.setdefault("thoughtSignature", UNSIGNED)

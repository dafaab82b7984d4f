"""Thinking blocks and ``reasoning_details``, in both directions.

A thinking block goes out as ``reasoning.text`` with its signature, a redacted one as ``reasoning.encrypted``, each with
the index of its block. What comes back is given to Anthropic unchanged and, as far as it can be told, in its place:
it checks the signature, and that the block stands where it stood.

Not given to it are thoughts of other providers, whose format says so, and thoughts without a signature, such as
``reasoning_content`` alone: Anthropic takes none but its own.

Source: https://platform.claude.com/docs/en/build-with-claude/thinking.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sluice.providers.said_before import text_of_detail

type Block = dict[str, Any]

FORMAT = "anthropic-claude-v1"
"""The name by which OpenRouter's clients know it."""

TEXT = "reasoning.text"
ENCRYPTED = "reasoning.encrypted"
THOUGHTS = frozenset({"thinking", "redacted_thinking"})
"""The types of blocks that are thoughts."""


def thinking_detail(text: str, signature: str | None, index: int) -> Block:
    """A thinking block for the client."""
    return {"type": TEXT, "text": text, "signature": signature, "format": FORMAT, "index": index}


def redacted_detail(data: str, index: int) -> Block:
    """A redacted thinking block for the client."""
    return {"type": ENCRYPTED, "data": data, "format": FORMAT, "index": index}


def with_thoughts(
    blocks: Sequence[Block], details: Sequence[Mapping[str, Any]] | None, place: str
) -> list[Block]:
    """An assistant turn's texts and calls, with its thoughts in their places: before all, where they tell none.

    Args:
        blocks: the others, in their order.
        details: the turn's ``reasoning_details``.
        place: of the turn in the request, for the error.

    Raises:
        InvalidRequestError: a thought is not what it says it is.
    """
    if not details:
        return list(blocks)
    left = list(reversed(blocks))
    found: list[Block] = []
    for position, detail in enumerate(details):
        thought = _thought(detail, f"{place}.reasoning_details[{position}]")
        if thought is None:
            continue
        index = detail.get("index")
        while left and isinstance(index, int) and len(found) < index:
            found.append(left.pop())
        found.append(thought)
    return found + left[::-1]


def _thought(detail: Mapping[str, Any], place: str) -> Block | None:
    """The block that a detail was; None where it was none of Anthropic's."""
    if detail.get("format") not in (FORMAT, None):
        return None
    match detail.get("type"):
        case "reasoning.text":
            if not detail.get("signature"):
                return None
            text, signature = (
                text_of_detail(detail, "text", place),
                text_of_detail(detail, "signature", place),
            )
            return {"type": "thinking", "thinking": text, "signature": signature}
        case "reasoning.encrypted" if detail.get("format") == FORMAT:
            return {"type": "redacted_thinking", "data": text_of_detail(detail, "data", place)}
        case _:
            return None

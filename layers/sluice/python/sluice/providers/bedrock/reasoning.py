"""Thoughts, as Converse has them and as clients get them, in both directions.

A thought with a signature goes out as ``reasoning.text``, an encrypted one as ``reasoning.encrypted``; what comes back
is given to Bedrock unchanged, before the rest of its turn. One without a signature is for reading only: those models
refuse their own thoughts in a conversation. So are thoughts of other providers, whose format says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sluice.providers.said_before import text_of_detail

type Detail = dict[str, Any]
type Block = dict[str, Any]

FORMAT = "anthropic-claude-v1"
"""Claude's, whose signatures hold at Anthropic and here; no other model here signs its thoughts."""

TEXT = "reasoning.text"
ENCRYPTED = "reasoning.encrypted"


def text_detail(text: str, signature: str, index: int) -> Detail:
    """A signed thought for the client."""
    return {"type": TEXT, "text": text, "signature": signature, "format": FORMAT, "index": index}


def encrypted_detail(data: str, index: int) -> Detail:
    """An encrypted thought for the client, in base64."""
    return {"type": ENCRYPTED, "data": data, "format": FORMAT, "index": index}


def reasoning_blocks(details: Sequence[Mapping[str, Any]] | None, place: str) -> list[Block]:
    """The blocks of an assistant turn's thoughts.

    Args:
        details: the turn's ``reasoning_details``.
        place: of the turn in the request, for the error.

    Raises:
        InvalidRequestError: a thought is not what it says it is.
    """
    blocks: list[Block] = []
    for position, detail in enumerate(details or ()):
        where = f"{place}.reasoning_details[{position}]"
        if detail.get("format") not in (FORMAT, None):
            continue
        match detail.get("type"):
            case "reasoning.text" if detail.get("signature"):
                thought = {name: text_of_detail(detail, name, where) for name in ("text", "signature")}
                blocks.append({"reasoningContent": {"reasoningText": thought}})
            case "reasoning.encrypted" if detail.get("format") == FORMAT:
                blocks.append(
                    {"reasoningContent": {"redactedContent": text_of_detail(detail, "data", where)}}
                )
            case _:
                continue
    return blocks

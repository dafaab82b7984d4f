"""What whole and streamed replies of Anthropic's have in common.

Source: https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons.
"""

from collections.abc import Mapping
from typing import Any

from sluice.api.chat_reply import FinishReason
from sluice.errors import UpstreamError

FINISH_REASONS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    # Of a turn in which Anthropic runs tools of its own, which nothing here asks for; sent back as it is, it goes on.
    "pause_turn": "stop",
    "model_context_window_exceeded": "length",
}


def finish_reason(reason: object) -> FinishReason:
    """Why a reply ended, in OpenAI's word for it.

    Raises:
        UpstreamError: it has none.
    """
    known = FINISH_REASONS.get(reason) if isinstance(reason, str) else None
    if known is None:
        raise UpstreamError(f"The provider stopped for a reason unknown to the gateway: {reason!r:.40}.")
    return known


def id_of(message: Mapping[str, Any]) -> str | None:
    """The id of a message; None where it has none."""
    found = message.get("id")
    return found if isinstance(found, str) and found else None


def refusal_of(raw: Mapping[str, Any]) -> str | None:
    """Why the model declines to answer, for a person to read; None where it does not, or does not say."""
    details = raw.get("stop_details")
    explanation = details.get("explanation") if isinstance(details, dict) else None
    return explanation if isinstance(explanation, str) else None


def text_of(raw: Mapping[str, Any], member: str) -> str:
    """A text in a block or a delta.

    Raises:
        UpstreamError: there is none.
    """
    value = raw.get(member)
    if not isinstance(value, str):
        raise UpstreamError(f"The provider's answer is malformed at '{member}'.")
    return value


def unknown_block(block: object) -> UpstreamError:
    """The error of a part of an answer for which there is no place: without it the answer would not be whole."""
    kind = block.get("type") if isinstance(block, dict) else None
    return UpstreamError(f"The provider's answer has a part unknown to the gateway: {kind!r:.60}.")

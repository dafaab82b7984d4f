"""What Gemini's candidates say, for whole replies and for the events of a stream, which are of the same form.

A function call may come without an id; then it gets one, of the reply's id and its number. Function calls come whole,
in a stream too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from sluice.api.chat_reply import FinishReason
from sluice.errors import UpstreamError
from sluice.providers.gemini.failures import raise_reported
from sluice.providers.gemini.signatures import text_detail, thought_detail
from sluice.providers.reading import objects_of, parsed_object

FINISH_REASONS: Mapping[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
    # Filters that nobody can configure, and that Google says no more of.
    "OTHER": "content_filter",
}
"""All others are failures, of which another attempt may be free: a call that is none (MALFORMED_FUNCTION_CALL,
UNEXPECTED_TOOL_CALL, TOO_MANY_TOOL_CALLS), an answer that is none (MALFORMED_RESPONSE), no picture."""

_ID_LENGTH = 24
"""Of the reply's id in a call's: ids of more than 40 characters are refused by OpenAI, where the next turn may go."""


@dataclass(frozen=True, slots=True)
class SaidCall:
    """A function call: ``index`` among its choice's calls, ``arguments`` as JSON text."""

    index: int
    id: str
    name: str
    arguments: str
    signature: str | None


@dataclass(slots=True)
class Said:
    """What a candidate says, in a reply or in one event; empty texts say nothing."""

    text: str = ""
    thoughts: str = ""
    details: list[dict[str, Any]] = field(default_factory=list)
    calls: list[SaidCall] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.text or self.thoughts or self.details or self.calls)


class Listener:
    """Takes down what one candidate says, part after part; it numbers calls and details.

    Args:
        reply_id: of the whole reply, for calls without an id.
        index: of the candidate.
    """

    def __init__(self, reply_id: str, index: int) -> None:
        self._prefix = f"call_{reply_id.rpartition('-')[2][-_ID_LENGTH:]}_{index}"
        self._calls = 0
        self._details = 0

    @property
    def has_calls(self) -> bool:
        """Whether a function was called so far."""
        return self._calls > 0

    def hear(self, candidate: Mapping[str, Any]) -> Said:
        """What a candidate says.

        Raises:
            UpstreamError: it says something that is neither text nor a function call.
        """
        said = Said()
        content = candidate.get("content")
        for members in objects_of(content.get("parts") if isinstance(content, dict) else None):
            part = {name: value for name, value in members.items() if value is not None}
            signature = part.get("thoughtSignature")
            signature = signature if isinstance(signature, str) and signature else None
            if "functionCall" in part:
                said.calls.append(self._call(part["functionCall"], signature))
            elif "text" in part or signature is not None:
                self._text(part, signature, said)
            elif part.keys() - {"thought"}:
                raise UpstreamError(f"The provider answered with what is no text: {min(part):.40}.")
        return said

    def _text(self, part: Mapping[str, Any], signature: str | None, said: Said) -> None:
        text = part.get("text", "")
        if not isinstance(text, str):
            raise UpstreamError("The provider's answer is malformed at 'parts.text'.")
        if part.get("thought"):
            said.thoughts += text
        else:
            said.text += text
        if signature is not None:
            index = self._details
            self._details += 1
            said.details.append(
                thought_detail(text, signature, index)
                if part.get("thought")
                else text_detail(signature, index)
            )

    def _call(self, call: object, signature: str | None) -> SaidCall:
        name = call.get("name") if isinstance(call, dict) else None
        arguments = call.get("args") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(name, str) or not isinstance(arguments, dict | None):
            raise UpstreamError("The provider's answer is malformed at 'parts.functionCall'.")
        given, index = call.get("id"), self._calls
        self._calls += 1
        return SaidCall(
            index=index,
            id=given if isinstance(given, str) and given else f"{self._prefix}_{index}",
            name=name,
            arguments=to_json(arguments or {}).decode(),
            signature=signature,
        )


def reply_object(data: bytes) -> dict[str, Any]:
    """A whole reply, or one event of a stream.

    Raises:
        SluiceError: it is no JSON object, or reports a failure.
    """
    raw = parsed_object(data)
    raise_reported(raw)
    return raw


def finish_reason(reason: object, *, has_calls: bool) -> FinishReason:
    """Why a candidate ended, in OpenAI's word for it: STOP is also said after function calls.

    Raises:
        UpstreamError: its reason is a failure, or unknown.
    """
    known = FINISH_REASONS.get(reason) if isinstance(reason, str) else None
    if known is None:
        raise UpstreamError(f"The model stopped without an answer: {reason!r:.60}.")
    return "tool_calls" if known == "stop" and has_calls else known


def block_reason(raw: Mapping[str, Any]) -> str | None:
    """Why the prompt was not answered; None if it was."""
    feedback = raw.get("promptFeedback")
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    return reason if isinstance(reason, str) and not raw.get("candidates") else None


def refusal(reason: str) -> str:
    """What a client is told of a prompt that was blocked."""
    return f"The provider's filters blocked the prompt: {reason:.60}."


def reply_id(raw: Mapping[str, Any], fallback: str) -> str:
    """The id of a reply."""
    given = raw.get("responseId")
    return given if isinstance(given, str) and given else fallback

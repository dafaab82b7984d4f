"""What a model says, in Converse's blocks: the part that whole and streamed replies share.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from sluice.api.chat_reply import FinishReason, Function, ReplyMessage, ToolCall
from sluice.errors import UpstreamError
from sluice.providers.bedrock.reasoning import encrypted_detail, text_detail
from sluice.providers.bedrock.tools import STAND_IN

FINISH_REASONS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}

FAILED = ("malformed_model_output", "malformed_tool_use")
"""Reasons that are failures of the model: what it said is of no use."""


def message_of(blocks: Sequence[object]) -> ReplyMessage:
    """The message in a whole reply's blocks.

    Raises:
        UpstreamError: one is malformed, or of a kind that a reply has no place for.
    """
    texts: list[str] = []
    thoughts: list[str] = []
    details: list[dict[str, Any]] = []
    calls: list[ToolCall] = []
    for block in blocks:
        match block:
            case {"text": str(text)}:
                texts.append(text)
            case {"toolUse": {"toolUseId": str(call_id), "name": str(name)} as call}:
                check_name(name)
                arguments = call.get("input")
                function = Function(
                    name=name, arguments=to_json({} if arguments is None else arguments).decode()
                )
                calls.append(ToolCall(id=call_id, function=function))
            case {"reasoningContent": {"reasoningText": {"text": str(text)} as thought}}:
                thoughts.append(text)
                signature = thought.get("signature")
                if isinstance(signature, str) and signature:
                    details.append(text_detail(text, signature, len(details)))
            case {"reasoningContent": {"redactedContent": str(data)}}:
                details.append(encrypted_detail(data, len(details)))
            case _:
                raise unknown_content(block)
    return ReplyMessage(
        content="".join(texts) or None,
        reasoning_content="".join(thoughts) or None,
        reasoning_details=details or None,
        tool_calls=calls or None,
    )


def finish_reason(reason: object) -> FinishReason:
    """Why it ended, in OpenAI's word for it.

    Raises:
        UpstreamError: the model failed, or the reason is unknown.
    """
    known = FINISH_REASONS.get(reason) if isinstance(reason, str) else None
    if known is not None:
        return known
    if isinstance(reason, str) and reason in FAILED:
        raise UpstreamError("The model wrote what the provider could not read.")
    raise UpstreamError(f"The provider stopped for a reason unknown to the gateway: {reason!r:.40}.")


def check_name(name: str) -> None:
    """See that a tool is called that the client has given.

    Raises:
        UpstreamError: it is the one that stands in for none.
    """
    if name == STAND_IN:
        raise UpstreamError("The model called a tool where it may call none.")


def unknown_content(block: object) -> UpstreamError:
    """The failure to understand a block, or a piece of one."""
    kind = next(iter(block), "nothing") if isinstance(block, dict) else "nothing"
    return UpstreamError(f"The provider answered with content that the gateway cannot read: {kind!r:.40}.")

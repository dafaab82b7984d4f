"""A streamed reply of Anthropic's: events about blocks, as chunks.

    message_start, { content_block_start, content_block_delta …, content_block_stop } …, message_delta, message_stop

``message_start`` alone makes no chunk: what fails right after it fails before the client has anything, so that its
status still tells, and another provider may answer. Its usage goes with the first block. ``ping`` is read over, and so
are events and deltas of types that are unknown, which Anthropic announces there will be; a block of an unknown type is
an error, for what it says would be missing.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from sluice.api.chat_reply import (
    ChatCompletionChunk,
    ChunkChoice,
    Delta,
    FinishReason,
    FunctionDelta,
    ToolCallDelta,
)
from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import UpstreamError
from sluice.providers.anthropic.failures import raise_reported
from sluice.providers.anthropic.reasoning import redacted_detail, thinking_detail
from sluice.providers.anthropic.replies import finish_reason, id_of, refusal_of, text_of, unknown_block
from sluice.providers.anthropic.usage import later, usage_of
from sluice.providers.contract import ProviderCall
from sluice.providers.reading import parsed_object
from sluice.wire.events import WireEvent


@dataclass(slots=True)
class _Block:
    """A block that has begun: ``call`` counts the tool calls, which are what the client's indexes count."""

    type: str
    call: int = 0
    input: dict[str, Any] = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)
    """Of the arguments, or of the thought."""
    signature: str | None = None


class MessageStream:
    """The translator of one streamed reply.

    Args:
        call: that is answered.
    """

    def __init__(self, call: ProviderCall[ChatCompletionRequest]) -> None:
        self._id = call.id
        self._created = int(call.now)
        self._model = call.request.model
        self._usage: dict[str, Any] = {}
        self._usage_is_new = False
        self._blocks: dict[int, _Block] = {}
        self._calls = 0
        self._begun = False
        self._ended = False
        self.finished = False

    @property
    def complete(self) -> bool:
        """See ``ReplyStream``: ``message_stop`` has come, and before it why the message ends."""
        return self.finished and self._ended

    def feed(self, event: WireEvent) -> Sequence[ChatCompletionChunk]:
        """See ``ReplyStream``."""
        if self.finished:
            return ()
        raw = parsed_object(event.data)
        match raw.get("type"):
            case "content_block_delta":
                delta = self._piece(self._block_of(raw), raw.get("delta"))
                return (self._chunk(delta),) if delta is not None else ()
            case "content_block_start":
                return self._start(raw)
            case "content_block_stop":
                delta = self._stop(raw)
                return (self._chunk(delta),) if delta is not None else ()
            case "message_start":
                self._begin(raw.get("message"))
            case "message_delta":
                return self._end(raw)
            case "message_stop":
                self.finished = True
            case _:
                raise_reported(raw)
        return ()

    def _begin(self, message: object) -> None:
        if isinstance(message, dict):
            self._id = id_of(message) or self._id
            self._count(message.get("usage"))

    def _start(self, raw: dict[str, Any]) -> Sequence[ChatCompletionChunk]:
        content = raw.get("content_block")
        index = raw.get("index")
        if not isinstance(content, dict) or not isinstance(index, int):
            raise UpstreamError("The provider's stream is malformed at 'content_block_start'.")
        block = self._blocks[index] = _Block(str(content.get("type")))
        delta = self._first_piece(block, content, index)
        if delta is None:
            if self._begun:
                return ()
            delta = Delta()  # tells the client, with its role, that the answer has begun
        return (self._chunk(delta),)

    def _first_piece(self, block: _Block, content: dict[str, Any], index: int) -> Delta | None:
        match block.type:
            case "text":
                text = text_of(content, "text")
                return Delta(content=text)
            case "thinking":
                return _thought(block, text_of(content, "thinking"))
            case "redacted_thinking":
                return Delta(reasoning_details=[redacted_detail(text_of(content, "data"), index)])
            case "tool_use":
                block.call = self._calls
                self._calls += 1
                given = content.get("input")
                block.input = given if isinstance(given, dict) else {}
                function = FunctionDelta(name=text_of(content, "name"), arguments="")
                call = ToolCallDelta(
                    index=block.call, id=text_of(content, "id"), type="function", function=function
                )
                return Delta(tool_calls=[call])
            case _:
                raise unknown_block(content)

    def _piece(self, block: _Block, delta: object) -> Delta | None:
        if not isinstance(delta, dict):
            raise UpstreamError("The provider's stream is malformed at 'delta'.")
        match delta.get("type"):
            case "text_delta":
                text = text_of(delta, "text")
                return Delta(content=text) if text else None
            case "thinking_delta":
                return _thought(block, text_of(delta, "thinking"))
            case "input_json_delta":
                return _arguments(block, text_of(delta, "partial_json"))
            case "signature_delta":
                block.signature = (block.signature or "") + text_of(delta, "signature")
        return None

    def _stop(self, raw: dict[str, Any]) -> Delta | None:
        index = raw.get("index")
        block = self._block_of(raw)
        if block.type == "thinking" and isinstance(index, int):
            return Delta(reasoning_details=[thinking_detail("".join(block.pieces), block.signature, index)])
        if block.type == "tool_use" and not block.pieces:
            return _arguments(block, to_json(block.input).decode())
        return None

    def _end(self, raw: dict[str, Any]) -> Sequence[ChatCompletionChunk]:
        self._count(raw.get("usage"))
        delta = raw.get("delta")
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        if reason is None or self._ended:
            return (self._bare_chunk(),) if self._begun else ()
        self._ended = True
        refusal = refusal_of(delta) if isinstance(delta, dict) else None
        return (self._chunk(Delta(refusal=refusal), finish_reason(reason)),)

    def _block_of(self, raw: dict[str, Any]) -> _Block:
        index = raw.get("index")
        block = self._blocks.get(index) if isinstance(index, int) else None
        if block is None:
            raise UpstreamError("The provider's stream goes on with a part that has not begun.")
        return block

    def _count(self, usage: object) -> None:
        if isinstance(usage, dict):
            self._usage = later(self._usage, usage)
            self._usage_is_new = True

    def _chunk(self, delta: Delta, reason: FinishReason | None = None) -> ChatCompletionChunk:
        self._begun = True
        chunk = self._bare_chunk()
        chunk.choices.append(ChunkChoice(index=0, delta=delta, finish_reason=reason))
        return chunk

    def _bare_chunk(self) -> ChatCompletionChunk:
        """A chunk without a choice; the usage goes with the first one after it was told."""
        usage = usage_of(self._usage) if self._usage_is_new else None
        self._usage_is_new = False
        return ChatCompletionChunk(
            id=self._id, created=self._created, model=self._model, choices=[], usage=usage
        )


def _thought(block: _Block, text: str) -> Delta | None:
    if not text:
        return None
    block.pieces.append(text)
    return Delta(reasoning_content=text)


def _arguments(block: _Block, text: str) -> Delta | None:
    """A piece of a call's arguments. An empty one says nothing: a call without arguments gets its ``{}`` at its end."""
    if block.type != "tool_use" or not text:
        return None
    block.pieces.append(text)
    return Delta(tool_calls=[ToolCallDelta(index=block.call, function=FunctionDelta(arguments=text))])

"""ConverseStream's events as chunks.

``messageStart``, then for each block ``contentBlockStart`` (by some models for calls only), ``contentBlockDelta`` and
``contentBlockStop``, then ``messageStop`` with the reason, then ``metadata`` with the usage. So the model has said all
with ``messageStop``, and nothing follows ``metadata``.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html.
"""

import base64
from collections.abc import Sequence
from typing import Any

from sluice.api.chat_reply import (
    ChatCompletionChunk,
    ChunkChoice,
    Delta,
    FinishReason,
    FunctionDelta,
    ToolCallDelta,
)
from sluice.errors import UpstreamError
from sluice.providers.bedrock.failures import failure_in_stream
from sluice.providers.bedrock.reasoning import encrypted_detail, text_detail
from sluice.providers.bedrock.replies import check_name, finish_reason, unknown_content
from sluice.providers.bedrock.usage import usage_of
from sluice.providers.reading import parsed_object
from sluice.wire.events import WireEvent

_NO_ARGUMENTS = "{}"


class _Thought:
    """The pieces of a block of thoughts, which go out together once it has ended."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.signature: list[str] = []
        self.encrypted: list[str] = []

    def detail(self, index: int) -> dict[str, Any] | None:
        """What Bedrock wants back of it; None where it is for reading only."""
        if self.encrypted:
            return encrypted_detail(_joined(self.encrypted), index)
        signature = "".join(self.signature)
        return text_detail("".join(self.text), signature, index) if signature else None


class _Call:
    """A tool call whose arguments are on their way."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.has_arguments = False


class ConverseReplyStream:
    """The translator of one streamed reply.

    Args:
        reply_id: the chunks' id, for Bedrock gives none.
        created: epoch seconds.
        model: the name that the client asked for.
    """

    def __init__(self, reply_id: str, created: int, model: str) -> None:
        self._id = reply_id
        self._created = created
        self._model = model
        self._thoughts: dict[int, _Thought] = {}
        self._calls: dict[int, _Call] = {}
        self._call_count = 0
        self._detail_count = 0
        self.complete = False
        self.finished = False

    def feed(self, event: WireEvent) -> Sequence[ChatCompletionChunk]:
        """See ``ReplyStream``."""
        if self.finished:
            return ()
        failure = failure_in_stream(event.name, event.data)
        if failure is not None:
            raise failure
        match event.name:
            case "contentBlockDelta":
                return self._delta(parsed_object(event.data))
            case "contentBlockStart":
                return self._start(parsed_object(event.data))
            case "contentBlockStop":
                return self._stop(_index(parsed_object(event.data)))
            case "messageStop":
                return self._end(parsed_object(event.data))
            case "metadata":
                return self._metadata(parsed_object(event.data))
            case _:  # messageStart says nothing, and AWS's own clients pass over events that they do not know
                return ()

    def _delta(self, raw: dict[str, Any]) -> Sequence[ChatCompletionChunk]:
        index = _index(raw)
        match raw.get("delta"):
            case {"text": str(text)}:
                return (self._chunk(Delta(content=text)),) if text else ()
            case {"toolUse": {"input": str(piece)}}:
                return self._arguments(index, piece)
            case {"reasoningContent": {"text": str(text)}}:
                self._thought(index).text.append(text)
                return (self._chunk(Delta(reasoning_content=text)),) if text else ()
            case {"reasoningContent": {"signature": str(signature)}}:
                self._thought(index).signature.append(signature)
                return ()
            case {"reasoningContent": {"redactedContent": str(data)}}:
                self._thought(index).encrypted.append(data)
                return ()
            case delta:
                raise unknown_content(delta)

    def _start(self, raw: dict[str, Any]) -> Sequence[ChatCompletionChunk]:
        match raw.get("start"):
            case {"toolUse": {"toolUseId": str(call_id), "name": str(name)}}:
                check_name(name)
                call = _Call(self._call_count)
                self._call_count += 1
                self._calls[_index(raw)] = call
                function = FunctionDelta(name=name, arguments="")
                delta = ToolCallDelta(index=call.index, id=call_id, type="function", function=function)
                return (self._chunk(Delta(tool_calls=[delta])),)
            case None | {"text": _} | {"reasoningContent": _}:
                return ()
            case start if not start:
                return ()
            case start:
                raise unknown_content(start)

    def _arguments(self, index: int, piece: str) -> Sequence[ChatCompletionChunk]:
        call = self._calls.get(index)
        if call is None:
            raise UpstreamError("The provider sent a piece of a call that it had not begun.")
        if not piece:
            return ()
        call.has_arguments = True
        delta = ToolCallDelta(index=call.index, function=FunctionDelta(arguments=piece))
        return (self._chunk(Delta(tool_calls=[delta])),)

    def _stop(self, index: int) -> Sequence[ChatCompletionChunk]:
        """The end of a block: what waited for it. A call without arguments has had no piece, and needs an object."""
        call = self._calls.pop(index, None)
        if call is not None and not call.has_arguments:
            delta = ToolCallDelta(index=call.index, function=FunctionDelta(arguments=_NO_ARGUMENTS))
            return (self._chunk(Delta(tool_calls=[delta])),)
        thought = self._thoughts.pop(index, None)
        detail = thought.detail(self._detail_count) if thought is not None else None
        if detail is None:
            return ()
        self._detail_count += 1
        return (self._chunk(Delta(reasoning_details=[detail])),)

    def _end(self, raw: dict[str, Any]) -> Sequence[ChatCompletionChunk]:
        reason = finish_reason(raw.get("stopReason"))
        left = [*self._calls, *self._thoughts]  # blocks whose end was not told
        chunks = [chunk for index in left for chunk in self._stop(index)]
        self.complete = True
        return [*chunks, self._chunk(Delta(), reason)]

    def _metadata(self, raw: dict[str, Any]) -> Sequence[ChatCompletionChunk]:
        self.finished = self.complete
        usage = usage_of(raw.get("usage"))
        if usage is None:
            return ()
        head = {"id": self._id, "created": self._created, "model": self._model}
        return (ChatCompletionChunk(**head, choices=[], usage=usage),)

    def _thought(self, index: int) -> _Thought:
        return self._thoughts.setdefault(index, _Thought())

    def _chunk(self, delta: Delta, reason: FinishReason | None = None) -> ChatCompletionChunk:
        choice = ChunkChoice(index=0, delta=delta, finish_reason=reason)
        return ChatCompletionChunk(id=self._id, created=self._created, model=self._model, choices=[choice])


def _index(raw: dict[str, Any]) -> int:
    """Of the block that an event is about."""
    index = raw.get("contentBlockIndex")
    if not isinstance(index, int):
        raise UpstreamError("The provider sent an event without saying which block it is about.")
    return index


def _joined(pieces: Sequence[str]) -> str:
    """Pieces of bytes, each in base64, as one."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(map(base64.b64decode, pieces))).decode("ascii")
    except ValueError as error:
        raise UpstreamError("The provider's encrypted thoughts are not in base64.") from error

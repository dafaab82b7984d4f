"""The whole completion that a stream's chunks add up to.

Needed for the response hash, and for counting what was received of a stream that broke. Text pieces are joined,
``index`` says to which choice and tool call a piece belongs, logprobs, annotations and reasoning details are appended,
of everything else the last value counts. ``usage`` is there only if a chunk carried it.
"""

from typing import Any

from sluice.api.chat_reply import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    Custom,
    FinishReason,
    Function,
    FunctionDelta,
    Logprobs,
    ReplyMessage,
    ToolCall,
    ToolCallDelta,
)
from sluice.api.logprobs import joined
from sluice.api.usage import Usage


class _ToolCall:
    """The pieces of one tool call."""

    def __init__(self) -> None:
        self.id = ""
        self.type = "function"
        self.name = ""
        self.text: list[str] = []
        self.extra: dict[str, Any] = {}

    def add(self, piece: ToolCallDelta) -> None:
        self.id = piece.id or self.id
        self.type = piece.type or ("custom" if piece.custom is not None else self.type)
        self.extra.update(piece.model_extra or {})
        body, text = (
            (piece.custom, piece.custom.input)
            if piece.custom is not None
            else (piece.function, _arguments(piece.function))
        )
        if body is not None:
            self.name = body.name or self.name
            self.text.append(text or "")

    def whole(self) -> ToolCall:
        text = "".join(self.text)
        if self.type == "custom":
            return ToolCall(
                id=self.id, type="custom", custom=Custom(name=self.name, input=text), **self.extra
            )
        return ToolCall(
            id=self.id, type="function", function=Function(name=self.name, arguments=text), **self.extra
        )


def _arguments(function: FunctionDelta | None) -> str | None:
    return None if function is None else function.arguments


class _Choice:
    """The pieces of one choice."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.calls: dict[int, _ToolCall] = {}
        self.function: _ToolCall | None = None
        self.annotations: list[dict[str, Any]] = []
        self.reasoning_details: list[dict[str, Any]] = []
        self.extra: dict[str, Any] = {}
        self.logprobs: Logprobs | None = None
        self.finish_reason: FinishReason | None = None

    def add(self, choice: ChunkChoice) -> None:
        delta = choice.delta
        for member in ("content", "refusal", "reasoning_content"):
            text = getattr(delta, member)
            if text is not None:
                self.texts.setdefault(member, []).append(text)
        for piece in delta.tool_calls or ():
            self.calls.setdefault(piece.index, _ToolCall()).add(piece)
        if delta.function_call is not None:
            self.function = self.function or _ToolCall()
            self.function.add(ToolCallDelta(index=0, function=delta.function_call))
        self.annotations += delta.annotations or ()
        self.reasoning_details += delta.reasoning_details or ()
        self.extra.update(delta.model_extra or {})
        self.logprobs = joined(self.logprobs, choice.logprobs)
        self.finish_reason = choice.finish_reason or self.finish_reason

    def _text(self, member: str) -> str | None:
        return "".join(self.texts[member]) if member in self.texts else None

    def whole(self, index: int) -> Choice:
        message = ReplyMessage(
            content=self._text("content"),
            refusal=self._text("refusal"),
            reasoning_content=self._text("reasoning_content"),
            tool_calls=[self.calls[position].whole() for position in sorted(self.calls)] or None,
            function_call=self.function.whole().function if self.function else None,
            annotations=self.annotations or None,
            reasoning_details=self.reasoning_details or None,
            **self.extra,
        )
        return Choice(
            index=index, message=message, logprobs=self.logprobs, finish_reason=self.finish_reason or "stop"
        )


class ChatAccumulator:
    """Feed it each chunk that the client gets; ask for the completion at the end."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._last: ChatCompletionChunk | None = None
        self._usage: Usage | None = None
        self._service_tier: str | None = None
        self._system_fingerprint: str | None = None

    def add(self, chunk: ChatCompletionChunk) -> None:
        """Take one chunk."""
        for choice in chunk.choices:
            self._choices.setdefault(choice.index, _Choice()).add(choice)
        self._usage = chunk.usage or self._usage
        self._service_tier = chunk.service_tier or self._service_tier
        self._system_fingerprint = chunk.system_fingerprint or self._system_fingerprint
        self._last = chunk

    def whole(self) -> ChatCompletion:
        """The completion so far.

        Raises:
            ValueError: no chunk was added.
        """
        if self._last is None:
            raise ValueError("no chunk was added")
        return ChatCompletion(
            id=self._last.id,
            created=self._last.created,
            model=self._last.model,
            choices=[self._choices[index].whole(index) for index in sorted(self._choices)],
            usage=self._usage,
            service_tier=self._service_tier,
            system_fingerprint=self._system_fingerprint,
        )

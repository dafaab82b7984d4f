"""Replies of a chat completion, whole and in chunks, as OpenAI's response schemas have them.

Members that the schemas require stand even when null (``refusal``, ``logprobs``); members that are optional but not
nullable are left out instead (``absent``). ``reasoning_content``, ``reasoning_details`` and the two hashes are ours.

``reasoning_details`` has what a provider wants back with the next turn: objects with ``type`` (``reasoning.text``,
with ``text`` and ``signature``, or ``reasoning.encrypted``, with ``data``), ``format`` (whose it is) and ``index``, as
OpenRouter's clients know them. In a stream each object comes once, whole.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sluice.api.shapes import ReplyShape, absent
from sluice.api.usage import Usage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
OptionalText = Annotated[str | None, Field(exclude_if=absent)]
Logprobs = dict[str, Any]
ReasoningDetails = Annotated[list[dict[str, Any]] | None, Field(exclude_if=absent)]


class Function(ReplyShape):
    """The function that is called, with its arguments as JSON text."""

    name: str
    arguments: str


class Custom(ReplyShape):
    """The custom tool that is called, with its free-form input."""

    name: str
    input: str


class ToolCall(ReplyShape):
    """A tool the model wants called: ``function`` or ``custom``, as ``type`` says."""

    id: str
    type: Literal["function", "custom"] = "function"
    function: Annotated[Function | None, Field(exclude_if=absent)] = None
    custom: Annotated[Custom | None, Field(exclude_if=absent)] = None


class ReplyMessage(ReplyShape):
    """What the model says."""

    role: Literal["assistant"] = "assistant"
    content: str | None = None
    refusal: str | None = None
    reasoning_content: OptionalText = None
    reasoning_details: ReasoningDetails = None
    tool_calls: Annotated[list[ToolCall] | None, Field(exclude_if=absent)] = None
    function_call: Annotated[Function | None, Field(exclude_if=absent)] = None
    annotations: Annotated[list[dict[str, Any]] | None, Field(exclude_if=absent)] = None


class Choice(ReplyShape):
    """One of the ``n`` answers."""

    index: int
    message: ReplyMessage
    logprobs: Logprobs | None = None
    finish_reason: FinishReason


class ChatCompletion(ReplyShape):
    """A whole reply."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Annotated[Usage | None, Field(exclude_if=absent)] = None
    service_tier: OptionalText = None
    system_fingerprint: OptionalText = None


class FunctionDelta(ReplyShape):
    """A piece of a function call; ``arguments`` pieces are to be joined."""

    name: OptionalText = None
    arguments: OptionalText = None


class CustomDelta(ReplyShape):
    """A piece of a custom tool's call; ``input`` pieces are to be joined."""

    name: OptionalText = None
    input: OptionalText = None


class ToolCallDelta(ReplyShape):
    """A piece of the tool call at ``index``."""

    index: int
    id: OptionalText = None
    type: Annotated[Literal["function", "custom"] | None, Field(exclude_if=absent)] = None
    function: Annotated[FunctionDelta | None, Field(exclude_if=absent)] = None
    custom: Annotated[CustomDelta | None, Field(exclude_if=absent)] = None


class Delta(ReplyShape):
    """What a chunk adds to a choice's message."""

    role: Annotated[Literal["assistant"] | None, Field(exclude_if=absent)] = None
    content: OptionalText = None
    refusal: OptionalText = None
    reasoning_content: OptionalText = None
    reasoning_details: ReasoningDetails = None
    tool_calls: Annotated[list[ToolCallDelta] | None, Field(exclude_if=absent)] = None
    function_call: Annotated[FunctionDelta | None, Field(exclude_if=absent)] = None
    annotations: Annotated[list[dict[str, Any]] | None, Field(exclude_if=absent)] = None


class ChunkChoice(ReplyShape):
    """What a chunk adds to one choice."""

    index: int
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: FinishReason | None = None

    @property
    def says_something(self) -> bool:
        """Whether it adds anything to the choice's message: text, a call, logprobs."""
        members = self.delta.model_dump(exclude_none=True)
        return any(value not in ("", []) for name, value in members.items() if name != "role") or bool(
            self.logprobs
        )

    def begin(self, *, first: bool) -> None:
        """Put the role into a choice's first chunk, where clients look for it, and into no other.

        Some SDKs would join its repetitions to ``assistantassistant``.
        """
        self.delta.role = "assistant" if first else None

    def ending(self) -> Self:
        """The same, saying no more than why it ends."""
        return self.model_copy(update={"delta": Delta(), "logprobs": None})


class ChatCompletionChunk(ReplyShape):
    """One event of a streamed reply. ``usage`` is of the whole request and stands in the last chunk only."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Annotated[Usage | None, Field(exclude_if=absent)] = None
    service_tier: OptionalText = None
    system_fingerprint: OptionalText = None

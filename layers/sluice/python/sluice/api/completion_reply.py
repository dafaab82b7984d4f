"""Replies of a text completion, whole and in chunks, as OpenAI's response schemas have them."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from sluice.api.chat_reply import OptionalText
from sluice.api.shapes import ReplyShape, absent
from sluice.api.usage import Usage

TextFinishReason = Literal["stop", "length", "content_filter"]
TextLogprobs = dict[str, Any]
"""Four lists with an entry for each token: ``tokens``, ``token_logprobs``, ``top_logprobs``, ``text_offset``."""


class TextChoice(ReplyShape):
    """One of the answers: ``n`` for the first prompt, then ``n`` for the next one."""

    text: str
    index: int
    logprobs: TextLogprobs | None = None
    finish_reason: TextFinishReason


class Completion(ReplyShape):
    """A whole reply."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[TextChoice]
    usage: Annotated[Usage | None, Field(exclude_if=absent)] = None
    system_fingerprint: OptionalText = None


class TextChunkChoice(ReplyShape):
    """What a chunk adds to one choice."""

    text: str
    index: int
    logprobs: TextLogprobs | None = None
    finish_reason: TextFinishReason | None = None

    @property
    def says_something(self) -> bool:
        """Whether it adds anything to the choice."""
        return bool(self.text or self.logprobs)

    def begin(self, *, first: bool) -> None:
        """A choice's first chunk is like any other here."""

    def ending(self) -> Self:
        """The same, saying no more than why it ends."""
        return self.model_copy(update={"text": "", "logprobs": None})


class CompletionChunk(ReplyShape):
    """One event of a streamed reply. ``usage`` is of the whole request and stands in the last chunk only."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[TextChunkChoice]
    usage: Annotated[Usage | None, Field(exclude_if=absent)] = None
    system_fingerprint: OptionalText = None

"""The whole text completion that a stream's chunks add up to; see ``api.chat_accumulate``."""

from sluice.api.completion_reply import (
    Completion,
    CompletionChunk,
    TextChoice,
    TextChunkChoice,
    TextFinishReason,
    TextLogprobs,
)
from sluice.api.logprobs import joined
from sluice.api.usage import Usage


class _Choice:
    """The pieces of one choice."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.logprobs: TextLogprobs | None = None
        self.finish_reason: TextFinishReason | None = None

    def add(self, choice: TextChunkChoice) -> None:
        self.text.append(choice.text)
        self.logprobs = joined(self.logprobs, choice.logprobs)
        self.finish_reason = choice.finish_reason or self.finish_reason

    def whole(self, index: int) -> TextChoice:
        return TextChoice(
            index=index,
            text="".join(self.text),
            logprobs=self.logprobs,
            finish_reason=self.finish_reason or "stop",
        )


class TextAccumulator:
    """Feed it each chunk that the client gets; ask for the whole at the end."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._last: CompletionChunk | None = None
        self._usage: Usage | None = None
        self._system_fingerprint: str | None = None

    def add(self, chunk: CompletionChunk) -> None:
        """Take one chunk."""
        for choice in chunk.choices:
            self._choices.setdefault(choice.index, _Choice()).add(choice)
        self._usage = chunk.usage or self._usage
        self._system_fingerprint = chunk.system_fingerprint or self._system_fingerprint
        self._last = chunk

    def whole(self) -> Completion:
        """The completion so far.

        Raises:
            ValueError: no chunk was added.
        """
        if self._last is None:
            raise ValueError("no chunk was added")
        return Completion(
            id=self._last.id,
            created=self._last.created,
            model=self._last.model,
            choices=[self._choices[index].whole(index) for index in sorted(self._choices)],
            usage=self._usage,
            system_fingerprint=self._system_fingerprint,
        )

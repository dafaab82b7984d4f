"""From a provider's chunks to the JSON of the client's, for every operation that streams.

Usage leaves in a chunk of its own, if asked for, and the two hashes in the last chunk before ``[DONE]``. A chunk is
passed on the moment it comes. Only a finish reason waits for the event after it, because the chunk that carries it may
prove to be the last one; text that comes with it does not wait.

``responseHash`` is the hash of the whole reply that the client's chunks add up to (``api.chat_accumulate``): the same
that a reply that is not streamed would have.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from pydantic_core import to_json

from sluice.api.chat_reply import ChatCompletionChunk
from sluice.api.completion_reply import CompletionChunk
from sluice.api.shapes import ReplyShape
from sluice.api.usage import Usage
from sluice.pipeline.hashes import response_hash


class Accumulator[Chunk, Reply](Protocol):
    """Adds up the chunks that the client gets."""

    def add(self, chunk: Chunk) -> None:
        """Take one chunk."""
        ...

    def whole(self) -> Reply:
        """The reply so far.

        Raises:
            ValueError: no chunk was added.
        """
        ...


class ChunkRenderer[Chunk: (ChatCompletionChunk, CompletionChunk), Reply: ReplyShape]:
    """Provider chunks to the JSON of client chunks; pure, one for each stream.

    Args:
        accumulator: fresh.
        request_hash: goes into the last chunk.
        include_usage: whether the client asked for a usage chunk.
    """

    def __init__(
        self, accumulator: Accumulator[Chunk, Reply], *, request_hash: str, include_usage: bool
    ) -> None:
        self.usage: Usage | None = None
        self.closing: Mapping[str, Any] = {}
        """Members of the whole reply that the last chunk brings, beside the hashes."""
        self.response_hash: str | None = None
        """Of the reply that the client's chunks add up to; None until it is whole."""
        self._request_hash = request_hash
        self._include_usage = include_usage
        self._accumulator: Accumulator[Chunk, Reply] = accumulator
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._held: Chunk | None = None
        self._last: Chunk | None = None

    def feed(self, chunk: Chunk) -> Iterator[bytes]:
        """Take a chunk; give what can be sent at once."""
        self._last = chunk
        if chunk.usage is not None:
            self.usage = chunk.usage
            chunk.usage = None
        self._leave_out_afterthoughts(chunk)
        if not chunk.choices:
            return
        if self._held is not None:
            yield self._rendered(self._held)
            self._held = None
        first = {choice.index for choice in chunk.choices} - self._begun
        for choice in chunk.choices:
            choice.begin(first=choice.index in first)
        self._begun |= first
        if any(choice.finish_reason is not None for choice in chunk.choices):
            now, self._held = _split(chunk, first)
            self._ended.update(choice.index for choice in self._held.choices)
            if now is not None:
                yield self._rendered(now)
        else:
            yield self._rendered(chunk)

    def end(self) -> Iterator[bytes]:
        """The provider has said all: give the chunk that was waiting, and the hashes in the last one.

        Raises:
            ValueError: no chunk was fed.
        """
        if self._last is None:
            raise ValueError("no chunk was fed")
        last, usage = self._held, self.usage if self._include_usage else None
        if last is None or usage is not None:
            if last is not None:
                yield self._rendered(last)
            last = self._last.model_copy(update={"choices": [], "usage": usage})
        self._accumulator.add(last)
        whole = self._accumulator.whole().model_dump(mode="json")
        self.response_hash = response_hash({**whole, **self.closing})
        hashes = {"requestHash": self._request_hash, "responseHash": self.response_hash}
        yield to_json({**self._members(last), **self.closing, **hashes})

    def received(self) -> Reply | None:
        """What has come so far, None if nothing has."""
        return self._accumulator.whole() if self._begun else None

    def _leave_out_afterthoughts(self, chunk: Chunk) -> None:
        """Leave out choices that have ended and are only mentioned again, as Azure does with late filter results."""
        chunk.choices = [
            choice
            for choice in chunk.choices
            if choice.index not in self._ended or choice.finish_reason is not None or choice.says_something
        ]

    def _rendered(self, chunk: Chunk) -> bytes:
        self._accumulator.add(chunk)
        return to_json(self._members(chunk)) if self._include_usage else chunk.model_dump_json().encode()

    def _members(self, chunk: Chunk) -> dict[str, Any]:
        members = chunk.model_dump(mode="json")
        if self._include_usage:
            members.setdefault("usage", None)
        return members


def _split[Chunk: (ChatCompletionChunk, CompletionChunk)](
    chunk: Chunk, first: set[int]
) -> tuple[Chunk | None, Chunk]:
    """A chunk with a finish reason, as what it says and that it ends."""
    said = [
        choice.model_copy(update={"finish_reason": None})
        for choice in chunk.choices
        if choice.index in first or choice.says_something
    ]
    ending = [choice.ending() for choice in chunk.choices if choice.finish_reason is not None]
    now = chunk.model_copy(update={"choices": said}) if said else None
    return now, chunk.model_copy(update={"choices": ending})

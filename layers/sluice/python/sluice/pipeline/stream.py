"""Step 6 for streams: from the provider's chunks to the client's frames.

What leaves here is CONTRACT's stream: ``data:`` and comment lines only; the role in each choice's first chunk; usage in
a chunk of its own, if asked for; the two hashes in the last chunk before ``[DONE]``; on a failure one error line and no
``[DONE]``. A chunk is passed on the moment it comes. Only a finish reason waits for the event after it, because the
chunk that carries it may prove to be the last one; text that comes with it does not wait.

``responseHash`` is the hash of the ``chat.completion`` that the client's chunks add up to (``api.accumulate``): the
same that a whole reply of that content would have.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from sluice.api.accumulate import CompletionAccumulator
from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk, ChunkChoice, Delta
from sluice.api.usage import Usage
from sluice.errors import InternalError, SluiceError, envelope
from sluice.observability import RequestRecord, logger
from sluice.pipeline.call import expired
from sluice.pipeline.hashes import response_hash
from sluice.wire import sse
from sluice.wire.sse import Frame


class ChunkRenderer:
    """Provider chunks to the JSON of client chunks; pure, one for each stream.

    Args:
        request_hash: goes into the last chunk.
        include_usage: whether the client asked for a usage chunk.
    """

    def __init__(self, *, request_hash: str, include_usage: bool) -> None:
        self.usage: Usage | None = None
        self.response_hash: str | None = None
        """Of the completion that the client's chunks add up to; None until it is whole."""
        self._request_hash = request_hash
        self._include_usage = include_usage
        self._accumulator = CompletionAccumulator()
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._held: ChatCompletionChunk | None = None
        self._last: ChatCompletionChunk | None = None

    def feed(self, chunk: ChatCompletionChunk) -> Iterator[bytes]:
        """Take a chunk; give what can be sent at once."""
        self._last = chunk
        if chunk.usage is not None:
            self.usage = chunk.usage
            chunk.usage = None
        chunk.choices = [choice for choice in chunk.choices if not self._is_afterthought(choice)]
        if not chunk.choices:
            return
        if self._held is not None:
            yield self._rendered(self._held)
            self._held = None
        for choice in chunk.choices:
            self._begin(choice)
        if any(choice.finish_reason is not None for choice in chunk.choices):
            now, self._held = _split(chunk)
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
        completion = self._accumulator.completion().model_dump(mode="json")
        self.response_hash = response_hash(completion)
        hashes = {"requestHash": self._request_hash, "responseHash": self.response_hash}
        yield to_json({**self._members(last), **hashes})

    def received(self) -> ChatCompletion | None:
        """What has come so far, None if nothing has."""
        return self._accumulator.completion() if self._begun else None

    def _is_afterthought(self, choice: ChunkChoice) -> bool:
        """Whether a choice that has ended is only mentioned again, as Azure does with its late filter results."""
        return choice.index in self._ended and choice.finish_reason is None and not _says_something(choice)

    def _begin(self, choice: ChunkChoice) -> None:
        """Put the role into a choice's first chunk, where clients look for it, and into no other.

        Some SDKs would join its repetitions to ``assistantassistant``.
        """
        first = choice.index not in self._begun
        self._begun.add(choice.index)
        choice.delta.role = "assistant" if first else None

    def _rendered(self, chunk: ChatCompletionChunk) -> bytes:
        self._accumulator.add(chunk)
        return to_json(self._members(chunk)) if self._include_usage else chunk.model_dump_json().encode()

    def _members(self, chunk: ChatCompletionChunk) -> dict[str, Any]:
        members = chunk.model_dump(mode="json")
        if self._include_usage:
            members.setdefault("usage", None)
        return members


def _says_something(choice: ChunkChoice) -> bool:
    """Whether a choice adds anything to its message: text, a call, logprobs."""
    members = choice.delta.model_dump(exclude_none=True)
    return any(value not in ("", []) for name, value in members.items() if name != "role") or bool(
        choice.logprobs
    )


def _split(chunk: ChatCompletionChunk) -> tuple[ChatCompletionChunk | None, ChatCompletionChunk]:
    """A chunk with a finish reason, as what it says and that it ends."""
    said = [
        choice.model_copy(update={"finish_reason": None})
        for choice in chunk.choices
        if choice.delta.role or _says_something(choice)
    ]
    ending = [
        choice.model_copy(update={"delta": Delta(), "logprobs": None})
        for choice in chunk.choices
        if choice.finish_reason is not None
    ]
    now = chunk.model_copy(update={"choices": said}) if said else None
    return now, chunk.model_copy(update={"choices": ending})


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a stream may take (by the loop's clock), and how long it may be silent."""

    deadline: float
    keep_alive_seconds: float


async def frames(
    chunks: AsyncIterator[ChatCompletionChunk], renderer: ChunkRenderer, pace: Pace, record: RequestRecord
) -> AsyncGenerator[Frame]:
    """The client's frames; the last one is marked, and is ``[DONE]`` only if the provider has said all.

    Args:
        chunks: from the provider, its first one included.
        renderer: fresh.
        pace: the stream's limits.
        record: takes down a failure, which the status of the reply can no longer tell.
    """
    try:
        async with aclosing(_paced(chunks, pace)) as paced:
            async for chunk in paced:
                if chunk is None:
                    yield Frame(sse.KEEP_ALIVE)
                    continue
                for data in renderer.feed(chunk):
                    yield Frame(sse.frame(data))
        ending = b"".join(map(sse.frame, renderer.end()))
    except SluiceError as error:
        record.failed(error)
        yield _error_frame(error)
    except (
        Exception
    ):  # whatever it is: the status is sent, so this line is all that can still tell the client
        logger.exception("a stream failed", extra={"request_id": record.request_id})
        failure = InternalError(InternalError.TOLD)
        record.failed(failure)
        yield _error_frame(failure)
    else:
        yield Frame(ending + sse.DONE, last=True)


def _error_frame(error: SluiceError) -> Frame:
    return Frame(sse.frame(to_json(envelope(error))), last=True)


async def _paced(
    chunks: AsyncIterator[ChatCompletionChunk], pace: Pace
) -> AsyncGenerator[ChatCompletionChunk | None]:
    """The chunks, and None for each silence that is to be filled.

    Raises:
        UpstreamTimeoutError: the deadline passed.
    """
    clock = asyncio.get_running_loop().time
    coming: asyncio.Task[ChatCompletionChunk | None] | None = None
    try:
        while True:
            coming = asyncio.create_task(_next(chunks))
            while not coming.done():
                await asyncio.wait(
                    {coming}, timeout=max(0.0, min(pace.keep_alive_seconds, pace.deadline - clock()))
                )
                if not coming.done():
                    if clock() >= pace.deadline:
                        raise expired()
                    yield None
            chunk = coming.result()
            if chunk is None:
                return
            yield chunk
    finally:
        if coming is not None:
            coming.cancel()
            # Waits for the end, and looks at a failure that nobody else will.
            await asyncio.gather(coming, return_exceptions=True)


async def _next(chunks: AsyncIterator[ChatCompletionChunk]) -> ChatCompletionChunk | None:
    return await anext(chunks, None)

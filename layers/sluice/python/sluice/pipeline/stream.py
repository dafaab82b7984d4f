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
from typing import Any

from pydantic_core import to_json

from sluice.api.accumulate import CompletionAccumulator
from sluice.api.chat_reply import ChatCompletionChunk, ChunkChoice, Delta
from sluice.api.hashing import canonical_digest
from sluice.api.usage import Usage
from sluice.errors import InternalError, SluiceError, envelope
from sluice.observability import logger
from sluice.pipeline.call import expired
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
        self._request_hash = request_hash
        self._include_usage = include_usage
        self._accumulator = CompletionAccumulator()
        self._begun: set[int] = set()
        self._held: ChatCompletionChunk | None = None

    def feed(self, chunk: ChatCompletionChunk) -> Iterator[bytes]:
        """Take a chunk; give what can be sent at once."""
        if chunk.usage is not None:
            self.usage = chunk.usage
            chunk.usage = None
        if not chunk.choices:
            self._held = self._held or chunk
            return
        if self._held is not None and self._held.choices:
            yield self._rendered(self._held)
        self._held = None
        for choice in chunk.choices:
            self._begin(choice)
        if any(choice.finish_reason is not None for choice in chunk.choices):
            now, self._held = _split(chunk)
            if now is not None:
                yield self._rendered(now)
        else:
            yield self._rendered(chunk)

    def end(self) -> Iterator[bytes]:
        """The provider has said all: give the chunks that were waiting, the hashes in the last one.

        Raises:
            ValueError: no chunk was fed.
        """
        last = self._held
        if last is None:
            raise ValueError("the stream did not end")
        if self._include_usage and self.usage is not None:
            if last.choices:
                yield self._rendered(last)
            last = last.model_copy(update={"choices": [], "usage": self.usage})
        self._accumulator.add(last)
        yield to_json(
            {
                **self._members(last),
                "requestHash": self._request_hash,
                "responseHash": canonical_digest(self._accumulator.completion().model_dump(mode="json")),
            }
        )

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


def _split(chunk: ChatCompletionChunk) -> tuple[ChatCompletionChunk | None, ChatCompletionChunk]:
    """A chunk with a finish reason, as what it says and that it ends."""
    said = [
        choice.model_copy(update={"finish_reason": None})
        for choice in chunk.choices
        if choice.delta.model_dump(exclude_none=True) or choice.logprobs
    ]
    ending = [
        ChunkChoice(index=choice.index, delta=Delta(), finish_reason=choice.finish_reason)
        for choice in chunk.choices
        if choice.finish_reason is not None
    ]
    now = chunk.model_copy(update={"choices": said}) if said else None
    return now, chunk.model_copy(update={"choices": ending})


async def frames(
    chunks: AsyncIterator[ChatCompletionChunk],
    renderer: ChunkRenderer,
    *,
    deadline: float,
    keep_alive_seconds: float,
) -> AsyncGenerator[Frame]:
    """The client's frames; the last one is marked, and is ``[DONE]`` only if the provider has said all.

    Args:
        chunks: from the provider, its first one included.
        renderer: fresh.
        deadline: by the loop's clock.
        keep_alive_seconds: silence after which a comment is sent.
    """
    try:
        async with aclosing(_paced(chunks, deadline, keep_alive_seconds)) as paced:
            async for chunk in paced:
                if chunk is None:
                    yield Frame(sse.KEEP_ALIVE)
                    continue
                for data in renderer.feed(chunk):
                    yield Frame(sse.frame(data))
        ending = b"".join(map(sse.frame, renderer.end()))
    except SluiceError as error:
        yield Frame(sse.frame(to_json(envelope(error))), last=True)
    except Exception:
        logger.exception("a stream failed")
        yield Frame(sse.frame(to_json(envelope(InternalError("The gateway failed.")))), last=True)
    else:
        yield Frame(ending + sse.DONE, last=True)


async def _paced(
    chunks: AsyncIterator[ChatCompletionChunk], deadline: float, silence: float
) -> AsyncGenerator[ChatCompletionChunk | None]:
    """The chunks, and None for each ``silence`` seconds without one.

    Raises:
        UpstreamTimeoutError: the deadline passed.
    """
    clock = asyncio.get_running_loop().time
    coming: asyncio.Task[ChatCompletionChunk | None] | None = None
    try:
        while True:
            coming = asyncio.create_task(_next(chunks))
            while not coming.done():
                await asyncio.wait({coming}, timeout=max(0.0, min(silence, deadline - clock())))
                if not coming.done():
                    if clock() >= deadline:
                        raise expired()
                    yield None
            chunk = coming.result()
            if chunk is None:
                return
            yield chunk
    finally:
        if coming is not None and not coming.done():
            coming.cancel()
            await asyncio.wait({coming})


async def _next(chunks: AsyncIterator[ChatCompletionChunk]) -> ChatCompletionChunk | None:
    return await anext(chunks, None)

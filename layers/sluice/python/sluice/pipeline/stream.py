"""Step 6 for streams: from the provider's chunks to the client's frames.

``data:`` and comment lines only; on a failure one error line and no ``[DONE]``. What stands in the lines is for
``pipeline.chunks``.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from pydantic_core import to_json

from sluice.errors import InternalError, SluiceError, envelope
from sluice.observability import RequestRecord, logger
from sluice.pipeline.call import expired
from sluice.wire import sse
from sluice.wire.sse import Frame


class Renderer[Chunk](Protocol):
    """Makes the JSON of the client's chunks; see ``pipeline.chunks.ChunkRenderer``."""

    def feed(self, chunk: Chunk) -> Iterator[bytes]:
        """Take a chunk; give what can be sent at once."""
        ...

    def end(self) -> Iterator[bytes]:
        """The provider has said all: give the rest."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a stream may take (by the loop's clock), and how long it may be silent."""

    deadline: float
    keep_alive_seconds: float


async def frames[Chunk](
    chunks: AsyncIterator[Chunk], renderer: Renderer[Chunk], pace: Pace, record: RequestRecord
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


async def _paced[Chunk](chunks: AsyncIterator[Chunk], pace: Pace) -> AsyncGenerator[Chunk | None]:
    """The chunks, and None for each silence that is to be filled.

    Raises:
        UpstreamTimeoutError: the deadline passed.
    """
    clock = asyncio.get_running_loop().time
    coming: asyncio.Task[Chunk | None] | None = None
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


async def _next[Chunk](chunks: AsyncIterator[Chunk]) -> Chunk | None:
    return await anext(chunks, None)

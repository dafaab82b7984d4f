"""Steps 4 to 6 for one leg of the plan: translate, call, and make the provider's reply the client's.

What fails before the context is entered has not reached the client, so that another leg may still answer; what fails
afterwards is the client's to see.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass

from sluice.api.chat_reply import ChatCompletionChunk
from sluice.api.completion_reply import CompletionChunk
from sluice.api.model_request import ModelRequest, StreamableRequest
from sluice.api.shapes import ReplyShape
from sluice.errors import SluiceError
from sluice.pipeline.call import OutOfTimeError, expired, streamed_reply, whole_reply, within
from sluice.pipeline.endpoint import Endpoint, StreamingEndpoint
from sluice.pipeline.hashes import hashed
from sluice.pipeline.health_monitor import Watch
from sluice.pipeline.hold import Held
from sluice.pipeline.measure import Meter
from sluice.pipeline.recording import Slot
from sluice.pipeline.reply import Reply, StreamedReply, WholeReply
from sluice.pipeline.stream import Pace, frames
from sluice.providers.contract import Provider, ProviderCall
from sluice.upstream.client import Upstream


@dataclass(frozen=True, slots=True)
class Work[Request: ModelRequest, Whole: ReplyShape]:
    """An admitted request on its way to one provider.

    ``meter`` measures it, ``turn`` may keep its reply, ``watch`` sees how the provider does. By the loop's clock, the
    provider has until ``patience`` for its first byte (for a whole reply: for all of it), and until ``deadline`` for
    its last.
    """

    upstream: Upstream
    provider: Provider
    call: ProviderCall[Request]
    patience: float
    deadline: float
    keep_alive_seconds: float
    hold: Held
    meter: Meter[Request, Whole]
    turn: Slot
    watch: Watch

    def sends(self) -> None:
        """The provider is asked; one that takes its request in parts is asked once all the same."""
        if self.watch.is_asked:
            return
        self.meter.record.asks_provider(self.call.target.provider, self.call.target.model)
        self.watch.asks()


def answer[Request: ModelRequest, Whole: ReplyShape](
    work: Work[Request, Whole], endpoint: Endpoint[Request, Whole]
) -> AbstractAsyncContextManager[Reply]:
    """The client's reply, which lasts as long as the context.

    Raises:
        SluiceError: on entry; once entered, a streamed reply tells its failures itself.
    """
    if isinstance(endpoint, StreamingEndpoint) and work.call.request.streams:
        return _streamed(work, endpoint)
    return _whole(work, endpoint)


@asynccontextmanager
async def _whole[Request: ModelRequest, Whole: ReplyShape](
    work: Work[Request, Whole], endpoint: Endpoint[Request, Whole]
) -> AsyncIterator[WholeReply]:
    meter, call = work.meter, work.call
    operation = endpoint.operation(work.provider, meter.row)

    async def ask(asked: ProviderCall[Request]) -> Whole:
        return await whole_reply(work.upstream, work.provider, operation, asked, work.patience, work.sends)

    try:
        received = await endpoint.received(ask, call, work.provider)
    except OutOfTimeError:
        work.watch.excuses()  # a long answer, of which nothing is seen before its end, is no sign of a bad day
        raise
    work.watch.hears()
    reply = endpoint.told(call.request, received, meter.most)
    body, digest = await hashed(reply.model_dump(mode="json") | meter.reply_members, meter.request_hash)
    work.hold.outcome = lambda: meter.whole(received, digest)
    work.watch.finished = True
    yield WholeReply(work.turn.whole(body), meter.cost(received))


@asynccontextmanager
async def _streamed[
    Request: StreamableRequest,
    Whole: ReplyShape,
    Chunk: (ChatCompletionChunk, CompletionChunk),
](
    work: Work[Request, Whole], endpoint: StreamingEndpoint[Request, Whole, Chunk]
) -> AsyncIterator[StreamedReply]:
    meter, call, deadline = work.meter, work.call, work.deadline
    operation = endpoint.operation(work.provider, meter.row)
    renderer = endpoint.renderer(call.request, meter.request_hash)
    renderer.closing = meter.reply_members
    begun = streamed_reply(work.upstream, work.provider, operation, call, work.patience, work.sends)
    async with begun as chunks:
        async with within(work.patience):
            first = await anext(chunks)
        work.watch.hears()
        # From here on the provider has worked for it: what was received is charged, however the stream ends.
        work.hold.outcome = lambda: meter.streamed(renderer)
        pace = Pace(deadline=deadline, keep_alive_seconds=work.keep_alive_seconds)
        rendered = frames(_chain(first, chunks, work.watch, deadline), renderer, pace, meter.record)
        async with aclosing(work.turn.recorded(rendered)) as sent:
            yield StreamedReply(sent, deadline)


async def _chain[Chunk](
    first: Chunk, rest: AsyncIterator[Chunk], watch: Watch, deadline: float
) -> AsyncIterator[Chunk]:
    yield first
    try:
        async for chunk in rest:
            yield chunk
    except SluiceError as error:
        watch.error = error
        raise
    except asyncio.CancelledError:
        if asyncio.get_running_loop().time() >= deadline:  # nobody waits for the provider any longer
            watch.error = expired()
        raise
    watch.finished = True

"""Steps 5 and 6: send the request, read the answer, within one deadline.

A call is open while its context is: whatever ends the context early, the client's going away included, closes the
connection to the provider.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Final

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.errors import UpstreamError, UpstreamTimeoutError
from sluice.providers.contract import Framing, Provider, ReplyContext, UpstreamRequest
from sluice.upstream.client import Upstream, UpstreamResponse
from sluice.wire.events import Decoder, FramingError
from sluice.wire.sse import SSEDecoder

DECODERS: Final[dict[Framing, type[Decoder]]] = {"sse": SSEDecoder}


def expired() -> UpstreamTimeoutError:
    """The error of a deadline that passed."""
    return UpstreamTimeoutError("The provider did not answer within the request's deadline.")


@asynccontextmanager
async def within(deadline: float) -> AsyncIterator[None]:
    """Run the body until ``deadline``, a time of the loop's clock.

    Raises:
        UpstreamTimeoutError: it took longer.
    """
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError as error:
        raise expired() from error


async def whole_reply(
    upstream: Upstream, provider: Provider, request: UpstreamRequest, context: ReplyContext, deadline: float
) -> ChatCompletion:
    """The provider's whole answer.

    Raises:
        SluiceError: it failed, in time or not.
    """
    async with within(deadline), upstream.send(request) as response:
        body = await response.read()
        if response.status != 200:
            raise provider.failure(response.status, response.headers, body)
        return provider.chat_completion(body, context)


@asynccontextmanager
async def streamed_reply(
    upstream: Upstream, provider: Provider, request: UpstreamRequest, context: ReplyContext, deadline: float
) -> AsyncIterator[AsyncIterator[ChatCompletionChunk]]:
    """The provider's answer chunk by chunk; entered once it has agreed to stream.

    The iterator ends only if the provider has said all.

    Raises:
        SluiceError: it failed, on entry or while the iterator runs.
    """
    async with AsyncExitStack() as stack:
        async with within(deadline):
            response = await stack.enter_async_context(upstream.send(request))
            if response.status != 200:
                raise provider.failure(response.status, response.headers, await response.read())
        if provider.STREAM_CONTENT_TYPE not in response.headers.get("content-type", "").lower():
            raise UpstreamError("The provider did not answer with a stream.")
        async with aclosing(_chunks(response, provider, context)) as chunks:
            yield chunks


async def _chunks(
    response: UpstreamResponse, provider: Provider, context: ReplyContext
) -> AsyncGenerator[ChatCompletionChunk]:
    decoder = DECODERS[provider.FRAMING]()
    stream = provider.chat_stream(context)
    try:
        async for data in response.chunks():
            for event in decoder.feed(data):
                for chunk in stream.feed(event):
                    yield chunk
            if stream.finished:
                break
        else:
            for event in decoder.flush():
                for chunk in stream.feed(event):
                    yield chunk
    except FramingError as error:
        raise UpstreamError("The provider's stream is malformed.") from error
    if not stream.complete:
        raise UpstreamError("The provider ended its stream early.")

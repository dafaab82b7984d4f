"""Steps 5 and 6: send the request, read the answer, within one deadline.

A call is open while its context is: whatever ends the context early, the client's going away included, closes the
connection to the provider.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.errors import SluiceError, UpstreamError, UpstreamTimeoutError
from sluice.observability import logger
from sluice.providers.contract import Provider, ProviderCall
from sluice.upstream.client import Upstream, UpstreamResponse
from sluice.wire.events import FramingError


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
    upstream: Upstream, provider: Provider, call: ProviderCall, deadline: float
) -> ChatCompletion:
    """The provider's whole answer.

    Raises:
        SluiceError: it failed, in time or not.
    """
    async with within(deadline), upstream.send(provider.chat_request(call)) as response:
        body = await response.read()
        if response.status != 200:
            raise _failure(response, body, provider, call)
        return provider.chat_completion(body, call)


@asynccontextmanager
async def streamed_reply(
    upstream: Upstream, provider: Provider, call: ProviderCall, deadline: float
) -> AsyncIterator[AsyncIterator[ChatCompletionChunk]]:
    """The provider's answer chunk by chunk; entered once it has agreed to stream.

    The iterator ends only if the provider has said all.

    Raises:
        SluiceError: it failed, on entry or while the iterator runs.
    """
    async with AsyncExitStack() as stack:
        async with within(deadline):
            response = await stack.enter_async_context(upstream.send(provider.chat_request(call)))
            if response.status != 200:
                raise _failure(response, await response.read(), provider, call)
        if provider.STREAM_CONTENT_TYPE not in response.headers.get("content-type", "").lower():
            raise UpstreamError("The provider did not answer with a stream.")
        async with aclosing(_chunks(response, provider, call)) as chunks:
            yield chunks


def _failure(response: UpstreamResponse, body: bytes, provider: Provider, call: ProviderCall) -> SluiceError:
    """The failure of a reply, with its status for the log; a refused credential is the operator's to mend."""
    error = provider.failure(response.status, response.headers, body)
    error.upstream_status = response.status
    if isinstance(error, UpstreamError) and error.retriable is False:
        logger.error(
            "provider %s refuses the gateway's account: status %d", call.target.provider, response.status
        )
    return error


async def _chunks(
    response: UpstreamResponse, provider: Provider, call: ProviderCall
) -> AsyncGenerator[ChatCompletionChunk]:
    decoder = provider.new_decoder()
    stream = provider.chat_stream(call)
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

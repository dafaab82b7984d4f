"""Steps 5 and 6: send the request, read the answer, within one deadline.

A call is open while its context is: whatever ends the context early, the client's going away included, closes the
connection to the provider.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from sluice.errors import SluiceError, UpstreamError, UpstreamTimeoutError
from sluice.observability import logger
from sluice.providers.contract import (
    ListedModel,
    ModelListing,
    Operation,
    Provider,
    ProviderCall,
    StreamingOperation,
    Target,
)
from sluice.upstream.client import Upstream, UpstreamResponse
from sluice.wire.events import FramingError

MAX_LIST_BYTES = 4 * 1024 * 1024
"""More than any list of models. What is made of its JSON takes up to twenty times as much, and a provider's list must
not fill the memory of the function that asks all providers."""


class OutOfTimeError(UpstreamTimeoutError):
    """A request's own deadline has passed; the provider may be at work still."""


def expired() -> OutOfTimeError:
    """The error of a deadline that passed."""
    return OutOfTimeError("The provider did not answer within the request's deadline.")


@asynccontextmanager
async def within(deadline: float) -> AsyncIterator[None]:
    """Run the body until ``deadline``, a time of the loop's clock.

    Raises:
        OutOfTimeError: it took longer.
    """
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError as error:
        raise expired() from error


def _tell_nobody() -> None:
    pass


async def whole_reply[Request, Reply](
    upstream: Upstream,
    provider: Provider,
    operation: Operation[Request, Reply],
    call: ProviderCall[Request],
    deadline: float,
    sends: Callable[[], None] = _tell_nobody,
) -> Reply:
    """The provider's whole answer; ``sends`` is told when it is asked, which a request that it cannot express is not.

    Raises:
        SluiceError: it failed, in time or not.
    """
    request = operation.upstream_request(call)
    sends()
    async with within(deadline), upstream.send(request) as response:
        body = await response.read()
        if response.status != 200:
            raise failure_of_reply(response, body, provider, call.target)
        return operation.whole_reply(body, call)


@asynccontextmanager
async def streamed_reply[Request, Reply, Chunk](
    upstream: Upstream,
    provider: Provider,
    operation: StreamingOperation[Request, Reply, Chunk],
    call: ProviderCall[Request],
    deadline: float,
    sends: Callable[[], None] = _tell_nobody,
) -> AsyncIterator[AsyncIterator[Chunk]]:
    """The provider's answer chunk by chunk; entered once it has agreed to stream.

    The iterator ends only if the provider has said all. ``sends`` is as for ``whole_reply``.

    Raises:
        SluiceError: it failed, on entry or while the iterator runs.
    """
    request = operation.upstream_request(call)
    sends()
    async with AsyncExitStack() as stack:
        async with within(deadline):
            response = await stack.enter_async_context(upstream.send(request))
            if response.status != 200:
                raise failure_of_reply(response, await response.read(), provider, call.target)
        if operation.STREAM_CONTENT_TYPE not in response.headers.get("content-type", "").lower():
            async with within(deadline):
                raise _no_stream(await response.read(), operation, call)
        async with aclosing(_chunks(response, operation, call)) as chunks:
            yield chunks


async def listed_models(
    upstream: Upstream, provider: Provider, listing: ModelListing, target: Target, deadline: float
) -> Sequence[ListedModel]:
    """The provider's own list of its models.

    Raises:
        SluiceError: it failed, in time or not.
    """
    async with within(deadline), upstream.send(listing.upstream_request(target)) as response:
        body = await body_of(response, MAX_LIST_BYTES, "The provider's list of models is too large.")
        if response.status != 200:
            raise failure_of_reply(response, body, provider, target)
        return listing.listed_models(body)


async def body_of(response: UpstreamResponse, most_bytes: int, too_large: str) -> bytes:
    """A whole body of no more than so many bytes.

    Raises:
        UpstreamError: it has more; ``too_large`` is its message.
    """
    parts: list[bytes] = []
    length = 0
    async for part in response.chunks():
        length += len(part)
        if length > most_bytes:
            raise UpstreamError(too_large)
        parts.append(part)
    return b"".join(parts)


def failure_of_reply(
    response: UpstreamResponse, body: bytes, provider: Provider, target: Target
) -> SluiceError:
    """The failure of a reply, with its status for the log; a refused credential is the operator's to mend."""
    error = provider.failure(response.status, response.headers, body)
    error.upstream_status = response.status
    if isinstance(error, UpstreamError) and error.retriable is False:
        logger.error("provider %s refuses the gateway's account: status %d", target.provider, response.status)
    return error


def _no_stream[Request, Reply](
    body: bytes, operation: Operation[Request, Reply], call: ProviderCall[Request]
) -> SluiceError:
    """The failure of a reply of status 200 that is no stream: what it reports, as some do, or that it is none."""
    none = UpstreamError("The provider did not answer with a stream.")
    try:
        operation.whole_reply(body, call)
    except UpstreamError as error:
        return none if error.retriable is None else error
    except SluiceError as error:
        return error
    return none


async def _chunks[Request, Reply, Chunk](
    response: UpstreamResponse,
    operation: StreamingOperation[Request, Reply, Chunk],
    call: ProviderCall[Request],
) -> AsyncGenerator[Chunk]:
    decoder = operation.new_decoder()
    stream = operation.reply_stream(call)
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

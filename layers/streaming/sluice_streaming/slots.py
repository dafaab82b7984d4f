"""The loop of a Lambda runtime: ask for an invocation, answer it, ask again. Several run side by side."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from sluice_streaming import events, stock
from sluice_streaming.asgi import Application
from sluice_streaming.exchange import Exchange
from sluice_streaming.invocation import Invocation
from sluice_streaming.replies import BufferedReply, Reply, StreamedReply
from sluice_streaming.request_ids import RequestIds
from sluice_streaming.runtime_api import RuntimeAPI, RuntimeAPIError

logger = logging.getLogger(__name__)

_RETRY_SECONDS = (0.1, 0.2, 0.4, 0.8)


class Service(NamedTuple):
    """What all slots share.

    ``alone`` says that there is one slot only: then the trace id may go into the environment, and a Runtime
    API that fails is the end, as with Lambda's own runtime. With many, one that stumbles is asked again.
    """

    application: Application
    state: dict[str, Any]
    log: stock.Log
    request_ids: RequestIds
    buffered: bool
    alone: bool


class Slot:
    """Serves one invocation at a time over one connection.

    Args:
        service: what all slots share.
        api: the Runtime API, over a connection of this slot's own.
        stopping: set when no more invocations are wanted.
        spread: 0 to 1, shifts this slot's retries against those of the others.
    """

    def __init__(self, service: Service, api: RuntimeAPI, stopping: asyncio.Event, spread: float) -> None:
        self._service = service
        self._api = api
        self._stopping = stopping
        self._retries = () if service.alone else tuple(pause * (1 + spread) for pause in _RETRY_SECONDS)
        self._polling = False

    async def run(self) -> None:
        """Serve until stopped.

        Raises:
            OSError, RuntimeAPIError: no invocation could be had.
        """
        try:
            while (invocation := await self._next()) is not None:
                with self._service.request_ids.serving(invocation.request_id, invocation.tenant_id):
                    await self._serve(invocation)
        finally:
            self._api.close()

    def interrupt(self) -> None:
        """Stop waiting for an invocation; one that is being served is served to its end."""
        if self._polling:
            self._api.stop_polling()

    async def _next(self) -> Invocation | None:
        for pause in (*self._retries, None):
            if self._stopping.is_set():
                return None
            self._polling = True
            try:
                return await self._api.next()
            except (OSError, RuntimeAPIError) as error:
                if self._stopping.is_set():
                    return None
                if pause is None:
                    raise
                logger.warning("asking for an invocation failed, again in %.1f s: %r", pause, error)
                await _wait(self._stopping, pause)
            finally:
                self._polling = False
        return None

    async def _serve(self, invocation: Invocation) -> None:
        service = self._service
        if service.alone:
            stock.set_trace_id(invocation.trace_id)
        reply: Reply = StreamedReply(self._api, invocation)
        try:
            request = events.read(invocation.body, stock.context_of(invocation), service.state)
        except events.UnknownEventError as error:
            logger.warning("not an API Gateway request, answered {}: %s", error)
            await self._shrug(invocation)
            return
        except stock.FaultException as error:
            await self._fail(reply, invocation, error)
            return
        if service.buffered:
            reply = BufferedReply(self._api, invocation, request.gateway)
        exchange = Exchange(request.scope, request.body, reply)
        crash = await _outcome(exchange, service.application)
        if crash is None:
            return
        if exchange.complete:
            service.log.fault(stock.fault_of(crash, invocation.request_id))
        else:
            await self._fail(reply, invocation, crash)

    async def _fail(self, reply: Reply, invocation: Invocation, error: BaseException) -> None:
        fault = stock.fault_of(error, invocation.request_id)
        self._service.log.fault(fault)
        await reply.fail(fault)

    async def _shrug(self, invocation: Invocation) -> None:
        try:
            await self._api.reply(invocation, b"{}")
        except (OSError, RuntimeAPIError) as error:
            logger.warning("the answer was not taken: %r", error)


class Pool:
    """All slots of the process, on its one event loop.

    The Runtime API takes as many calls at a time as AWS_LAMBDA_MAX_CONCURRENCY says:
    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

    Args:
        service: what they share.
        address: host and port of the Runtime API.
        size: how many invocations may be in flight.
    """

    def __init__(self, service: Service, address: str, size: int) -> None:
        self._stopping = asyncio.Event()
        self._slots = [Slot(service, RuntimeAPI(address), self._stopping, n / size) for n in range(size)]

    async def run(self) -> None:
        """Serve until stopped, or until a slot gives up; what is in flight is finished either way.

        Raises:
            OSError, RuntimeAPIError: why the first slot gave up.
        """
        tasks = [asyncio.create_task(slot.run()) for slot in self._slots]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        self.stop()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        _raise_first(outcomes)

    def stop(self) -> None:
        """Ask for no more invocations."""
        self._stopping.set()
        for slot in self._slots:
            slot.interrupt()


async def _outcome(exchange: Exchange, application: Application) -> BaseException | None:
    """Run an application in a task of its own: what it does to its task or context ends with the request."""
    task = asyncio.create_task(exchange.run(application))
    await asyncio.wait([task])
    if task.cancelled():
        return asyncio.CancelledError("the application cancelled itself")
    return task.exception()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _raise_first(outcomes: Sequence[BaseException | None]) -> None:
    for outcome in outcomes:
        if outcome is not None:
            raise outcome

"""How a reply travels to the platform: streamed as it comes, or whole."""

import logging
from collections.abc import Awaitable, Iterable
from typing import Protocol

from mangum.handlers.api_gateway import APIGateway

from sluice_streaming import events, prelude
from sluice_streaming.invocation import Fault, Invocation
from sluice_streaming.runtime_api import RuntimeAPI, RuntimeAPIError

logger = logging.getLogger(__name__)

_UNDELIVERABLE = (OSError, RuntimeAPIError)

type HeaderPairs = Iterable[tuple[bytes, bytes]]


class Reply(Protocol):
    """Takes a reply's parts in order: ``start``, any number of ``write``, then ``end`` or ``fail``.

    No method raises when the platform does not take what it is given: the application has to reach its end
    all the same, for that is where it settles what the request has cost. The first such failure is logged.
    """

    async def start(self, status: int, headers: HeaderPairs) -> None:
        """Send the status and the headers."""

    async def write(self, data: bytes) -> None:
        """Send a part of the body."""

    async def end(self, data: bytes) -> None:
        """Send the last part of the body, and have the reply accepted."""

    async def fail(self, fault: Fault) -> None:
        """Say that the reply will not be completed; nothing may have been started."""


class _Delivery:
    """Sends until the platform no longer takes anything."""

    def __init__(self, api: RuntimeAPI, invocation: Invocation) -> None:
        self._api = api
        self._invocation = invocation
        self._broken = False

    async def _deliver(self, sending: Awaitable[None]) -> None:
        try:
            await sending
        except _UNDELIVERABLE as error:
            self._broken = True
            self._api.close()
            logger.error("the reply cannot be delivered, the application runs on: %r", error)  # noqa: TRY400 - expected, so without a traceback


class StreamedReply(_Delivery):
    """Passes every part on at once."""

    _started = False

    async def start(self, status: int, headers: HeaderPairs) -> None:
        """Send the prelude without waiting for a body."""
        data = prelude.encode(status, headers)
        if len(data) > prelude.MAX_LENGTH:
            logger.warning("a head of %d bytes is more than API Gateway reads", len(data))
        self._started = True
        await self._deliver(self._api.start_stream(self._invocation, data))

    async def write(self, data: bytes) -> None:
        """Send a chunk."""
        if not self._broken:
            await self._deliver(self._api.stream(data))

    async def end(self, data: bytes) -> None:
        """Send the last chunk and the terminating one, and read the platform's answer."""
        if not self._broken:
            await self._deliver(self._api.end_stream(data))

    async def fail(self, fault: Fault) -> None:
        """Report the fault in trailers when the prelude is out, and as an error when it is not."""
        if self._broken:
            return
        if self._started:
            await self._deliver(self._api.break_stream(fault))
        else:
            await self._deliver(self._api.report(self._invocation, fault))


class BufferedReply(_Delivery):
    """Collects the parts and answers with one proxy response."""

    def __init__(self, api: RuntimeAPI, invocation: Invocation, gateway: APIGateway) -> None:
        super().__init__(api, invocation)
        self._gateway = gateway
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []

    async def start(self, status: int, headers: HeaderPairs) -> None:
        """Keep the status and the headers."""
        self._status, self._headers = status, list(headers)

    async def write(self, data: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(data)

    async def end(self, data: bytes) -> None:
        """Answer with everything."""
        body = b"".join([*self._body, data])
        response = events.render(self._gateway, self._status, self._headers, body)
        await self._deliver(self._api.reply(self._invocation, response))

    async def fail(self, fault: Fault) -> None:
        """Report the fault: nothing of the reply has been sent."""
        await self._deliver(self._api.report(self._invocation, fault))

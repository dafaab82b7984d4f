"""Takes down the reply to a request with an Idempotency-Key while it is sent, and has it stored."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Protocol

from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.pipeline.to_the_end import to_the_end
from sluice.stores.aws import AWSError
from sluice.stores.idempotency_records import Claim
from sluice.stores.kept_replies import PackedReply, Packer
from sluice.wire import sse
from sluice.wire.sse import Frame

JSON = "application/json"
EVENT_STREAM = "text/event-stream"


class ReplyStore(Protocol):
    """Where replies are kept."""

    async def finish(self, claim: Claim, reply: PackedReply) -> bool:
        """Keep a whole reply, unless the turn was taken over; whether it is kept."""
        ...


class Slot:
    """The turn of a request that is to be answered: this one has no Idempotency-Key, and nothing is kept.

    Attributes:
        earlier: the ids of requests for the same thing that died in this turn, oldest first.
    """

    earlier: tuple[str, ...] = ()

    def told(self, headers: Mapping[str, str]) -> None:
        """Take down headers that the reply has for good, whenever it is given."""

    def whole(self, body: bytes) -> bytes:
        """Take down a whole reply, and give it back."""
        return body

    def recorded(self, frames: AsyncGenerator[Frame]) -> AsyncGenerator[Frame]:
        """Take down the frames of a streamed reply as they pass by; whoever closes this closes them."""
        return frames

    @asynccontextmanager
    async def keeping(self) -> AsyncGenerator[None]:
        """Store the reply in the end if it is whole, also if the request's task is cancelled.

        The client has it by then, so a failure to store it is in the log and raises nothing.
        """
        yield


class KeptSlot(Slot):
    """The same with an Idempotency-Key.

    Args:
        store: takes the reply.
        claim: the request's.
        content_type: the reply's.
        earlier: see ``Slot``.
    """

    def __init__(
        self, store: ReplyStore, claim: Claim, content_type: str, earlier: tuple[str, ...] = ()
    ) -> None:
        self.earlier = earlier
        self.open = True
        """Whether the turn has still to be given up."""
        self._store = store
        self._claim = claim
        self._packer = Packer(content_type)
        self._is_whole = False
        self._headers: Mapping[str, str] = {}

    def told(self, headers: Mapping[str, str]) -> None:
        """Take them down."""
        self._headers = headers

    def whole(self, body: bytes) -> bytes:
        """Take it down at once."""
        self._packer.add(body)
        self._is_whole = True
        return body

    async def recorded(self, frames: AsyncGenerator[Frame]) -> AsyncGenerator[Frame]:
        """Take each frame down before it is sent: the last one may not reach the client, but makes the reply whole."""
        async with aclosing(frames):
            async for frame in frames:
                self._packer.add(frame.data)
                self._is_whole = frame.last and frame.data.endswith(sse.DONE)
                yield frame

    @asynccontextmanager
    async def keeping(self) -> AsyncGenerator[None]:
        """Store what is whole."""
        try:
            yield
        finally:
            if self._is_whole:
                await to_the_end(self._keep())

    async def _keep(self) -> None:
        try:
            kept = await self._store.finish(self._claim, self._packer.packed(self._headers))
        except (OverloadedError, AWSError):
            # The turn is not given up: whoever came again now would be charged again.
            logger.warning("the reply to %s could not be kept", self._claim.request_id, exc_info=True)
            kept = True
        self.open = False
        if not kept:
            logger.warning("the reply to %s is not kept: its turn was taken over", self._claim.request_id)

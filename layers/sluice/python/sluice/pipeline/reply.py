"""What a client gets: a whole reply, or one that is streamed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sluice.wire.sse import Frame


@dataclass(frozen=True, slots=True)
class WholeReply:
    """A JSON body, and what it costs in nano-USD where that is known."""

    body: bytes
    cost: int | None = None


@dataclass(frozen=True, slots=True)
class StreamedReply:
    """Server-sent events, the last one marked; ``deadline`` is by the loop's clock."""

    frames: AsyncIterator[Frame]
    deadline: float


Reply = WholeReply | StreamedReply
